"""HTTP/1.1 servers: connections, heads, bodies and TLS, for any handler of `steersman.api.http`; they know nothing of Kubernetes."""
