"""Where the pods behind a Service are."""
