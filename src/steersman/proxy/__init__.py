"""The service proxy: Services and EndpointSlices to nftables rules of the network namespace it runs in.

IPv4 only: pods get no IPv6 address from the node network, so a rule for one could lead nowhere.
"""
