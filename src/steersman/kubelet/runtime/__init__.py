"""Container runtimes behind one Protocol (`protocol.Runtime`); values in `types`.

Here belong runtimes and what only they need. Pods, restart policies and back-off do not: a runtime does what
it is told, once.
"""
