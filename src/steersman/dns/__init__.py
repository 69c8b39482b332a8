"""The cluster's DNS server: names of Services, endpoints and pods from the API, everything else from upstream resolvers."""
