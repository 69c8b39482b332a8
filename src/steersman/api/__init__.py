"""What any Kubernetes-shaped object needs, without I/O and without knowledge of a kind."""
