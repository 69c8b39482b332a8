"""The scheduler: filters and scores every node for each pod, over arrays of the whole cluster."""
