"""The data plane of exec, attach and port-forward: from a hijacked client connection to the CRI's streaming URL.

`server.serve_stream` is the way in. Frame codecs (`spdy`, `websocket`) do no I/O; the bridges between them do.
Authorization, finding the container and asking the runtime for the URL belong to the caller.
"""
