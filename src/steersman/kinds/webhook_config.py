"""Where webhooks listen (a URL, or a path of a service), as several kinds say it: what is wrong with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from steersman.api import field, names
from steersman.api.field import Errors, Path

_FORM = "; desired format: https://host[/path]"


def validate_url(url: str, path: Path) -> Errors:
    """Only https, and nothing but a host and a path."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return [field.required(path, f"url must be a valid URL: {error}{_FORM}")]
    errors: Errors = []
    if parts.scheme != "https":
        errors.append(field.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}"))
    host = parts.netloc.rpartition("@")[2]
    if not host:
        errors.append(field.invalid(path, host, f"host must be specified{_FORM}"))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        errors.append(field.invalid(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(field.invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(field.invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return errors


def validate_service(name: str, namespace: str, url_path: str | None, port: int | None, path: Path) -> Errors:
    errors = [field.required(path.child(n)) for n, value in (("name", name), ("namespace", namespace)) if not value]
    messages = names.port_number(443 if port is None else port)
    if messages:
        errors.append(field.invalid(path.child("port"), port, f"port is not valid: {', '.join(messages)}"))
    return errors + _validate_path(url_path or "", path.child("path"))


def _validate_path(url_path: str, path: Path) -> Errors:
    if url_path in ("", "/"):
        return []
    if url_path == "//":
        return [field.invalid(path, url_path, "segment[0] may not be empty")]
    errors: Errors = []
    if not url_path.startswith("/"):
        errors.append(field.invalid(path, url_path, "must start with a '/'"))
    for index, step in enumerate(url_path[1:].removesuffix("/").split("/")):
        if not step:
            errors.append(field.invalid(path, url_path, f"segment[{index}] may not be empty"))
        else:
            errors += [field.invalid(path, url_path, f"segment[{index}]: {m}") for m in names.dns1123_subdomain(step)]
    return errors
