"""The Pod Security Standards: what each level asks of a pod in each version, and which of them a namespace wants."""
