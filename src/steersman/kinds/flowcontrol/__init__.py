"""Fair sharing of the API server."""
