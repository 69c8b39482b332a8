"""Dynamic allocation of devices."""
