"""Rewriting of stored objects."""
