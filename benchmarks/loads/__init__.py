"""What benchmarks have in common: servers to load, and loads."""
