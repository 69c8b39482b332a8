"""Structural schemas: what custom resources look like, and how values are pruned, defaulted, coerced and validated by them."""
