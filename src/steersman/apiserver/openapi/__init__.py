"""The API's description of itself, made from the kinds' types: OpenAPI v2 (JSON and protobuf) and v3 (per group version)."""
