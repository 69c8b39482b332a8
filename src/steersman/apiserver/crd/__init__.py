"""Custom resources: kinds that come and go with their definitions, served by the same handlers as all others."""
