"""Calls to webhooks: whatever asks something of somebody else's HTTPS server before it goes on."""
