"""The Container Runtime Interface, version `runtime.v1`, as a client; and how to run a private containerd.

The only place that imports grpc.
"""
