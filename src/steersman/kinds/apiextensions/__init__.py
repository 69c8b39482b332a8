"""Kinds that users add."""
