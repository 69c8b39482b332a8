"""The roles and bindings that every cluster has from the beginning, and how they are kept.

`declaration` is the notation, `policy` collects what the modules by area declare (`everybody`, `tenants`, `components`, `nodes`,
`certificates`, `workloads`, `networking`, `volumes`, `housekeeping`, `namespaces`, and `own` for what Kubernetes has no name for);
`reconciliation` decides what is to be done to the stored objects, `seeding` does it.
"""
