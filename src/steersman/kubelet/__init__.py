"""The node agent: pods to containers through the runtime, with probes, volumes, logs and exec."""
