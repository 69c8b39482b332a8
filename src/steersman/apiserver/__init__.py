"""Everything between a request and the store: authentication, authorization, admission, handlers, discovery, watch.

Clients do not belong here, nor what a kind means (`kinds`), nor how keys and bytes are kept (`store`).
"""
