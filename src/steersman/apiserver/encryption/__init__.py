"""Encryption at rest: EncryptionConfiguration and its providers, what they make of stored values, and the service around them."""
