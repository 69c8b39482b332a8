"""Classes and drivers of storage."""
