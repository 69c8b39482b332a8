"""Cooperative eviction of pods."""
