"""API groups that other servers serve."""
