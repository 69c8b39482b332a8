"""Typed API objects, one module per group version, made for Kubernetes 1.37.0. Generated: see scripts/generate_types.py."""
