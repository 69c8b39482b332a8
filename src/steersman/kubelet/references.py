"""Image references as registries and runtimes spell them: `nginx` means `docker.io/library/nginx:latest`."""

from __future__ import annotations

import re

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REFERENCE = re.compile(
    rf"(?P<domain>(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?)/"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_BARE_ID = re.compile(r"[0-9a-f]{64}")
NAME_MAX = 255


def _is_domain(part: str) -> bool:
    """The first part of a name is a registry only when it could not be a directory of the default one."""
    return "." in part or ":" in part or part == "localhost" or part.lower() != part


def normalize_reference(reference: str) -> str:
    """The full form: domain, repository, and a tag or digest. ValueError when it is no image reference."""
    if _BARE_ID.fullmatch(reference):
        raise ValueError(f'"{reference}" is an image id, not a reference')
    domain, slash, path = reference.partition("/")
    if not slash or not _is_domain(domain):
        domain, path = DEFAULT_DOMAIN, reference
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"library/{path}"
    match = _REFERENCE.fullmatch(f"{domain}/{path}")
    if match is None:
        raise ValueError(f'"{reference}" is not a valid image reference')
    if len(domain) + 1 + len(match["path"]) > NAME_MAX:
        raise ValueError(f"image repository name is longer than {NAME_MAX} characters")
    if match["tag"] is None and match["digest"] is None:
        return f"{match[0]}:{DEFAULT_TAG}"
    return match[0]
