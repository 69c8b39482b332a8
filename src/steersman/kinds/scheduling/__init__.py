"""Priorities and groups of pods."""
