"""The API server's own records."""
