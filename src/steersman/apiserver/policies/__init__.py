"""Admission policies: expressions that refuse objects (validating) or change them (mutating), inside the server."""
