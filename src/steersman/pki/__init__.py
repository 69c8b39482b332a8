"""Keys, certificates and signed tokens of a cluster.

The only package that imports `cryptography`. Modules that a part imports at its start (`files`, `layout`,
`tokens`) import it inside functions, so a part that never checks a signature never pays for it.
"""
