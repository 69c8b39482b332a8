"""How every part speaks to the API server: transports, the typed client, informers, workqueues, events and leader election."""
