"""Steersman: Kubernetes in Python."""
