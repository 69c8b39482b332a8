"""Aggregated API servers: group versions that other servers serve behind this one, and APIServices for all group versions."""
