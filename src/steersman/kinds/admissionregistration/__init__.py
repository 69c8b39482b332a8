"""Admission that users add."""
