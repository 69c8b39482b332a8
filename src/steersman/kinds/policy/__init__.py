"""Limits on disruption."""
