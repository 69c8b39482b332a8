"""Scaling by measured load."""
