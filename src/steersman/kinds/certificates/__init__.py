"""Certificates that the cluster signs."""
