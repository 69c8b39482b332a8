"""Configuration, the `steer` commands, supervision and wiring: the only package that sees every other one.

Nothing is decided about Kubernetes here. Modules that run in small processes (`supervisor`, `node_init` and what
they import) use the standard library only.
"""
