"""Subresources: one file for each, found by the name in the path."""
