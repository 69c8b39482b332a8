"""Kinds that describe how nodes run containers."""
