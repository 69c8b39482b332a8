"""The machine: namespaces, links, routes, control groups, nftables and CNI configuration; it knows nodes, not Services.

Everything here is synchronous and standard library only: the processes that hold a node together stay small.
"""
