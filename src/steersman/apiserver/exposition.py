"""/metrics: everything that is counted anywhere in an API server, put together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from steersman.api.metrics import Metric, gauge
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.metrics import PROCESS
from steersman.http import process

if TYPE_CHECKING:
    from steersman.apiserver.health import Health
    from steersman.apiserver.server import App

_DEPRECATED = ("group", "version", "resource", "subresource", "removed_release")


def render(app: App) -> str:
    """The text that Prometheus reads."""
    lines = (f"{line}\n" for metric in every(app) for line in metric.lines())
    return "".join(lines) + app.flow_control.metrics() + app.pod_security.render()


def every(app: App) -> Iterator[Metric]:
    """All that there is to tell, but for fairness and Pod Security, whether or not anything has been counted yet."""
    yield from app.metrics.metrics()
    yield from _metrics(app)
    timing = sys.modules.get("steersman.cel.timing")
    if timing is not None:
        # Expressions are loaded with the first one.
        yield from timing.TIMES
    tokencounts.take_hits()
    yield from PROCESS


def slis(health: Health) -> str:
    """What objectives are measured by: the checks, and since when they have been counted."""
    metrics = [*health.metrics(), *(m for m in process.metrics() if m.name == "process_start_time_seconds")]
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _process(app: App) -> Iterator[Metric]:
    said = app.health.version()
    names = {_snake(name): value for name, value in said.items()}
    text = "The version of Kubernetes that this server is; always 1."
    yield gauge("kubernetes_build_info", text, tuple(names), [(tuple(names.values()), 1)])
    yield from process.metrics()


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _metrics(app: App) -> Iterator[Metric]:
    yield from _process(app)
    yield from _stored(app)
    yield from app.authenticator.counts.metrics()
    if app.remote_authentication is not None and app.remote_authentication.reloading is not None:
        yield from app.remote_authentication.reloading.reloads.metrics("authentication")
    if app.service_accounts is not None and app.service_accounts.external is not None:
        yield from app.service_accounts.external.counts.metrics()
    if app.encryption is not None:
        yield from app.encryption.metrics()
    yield from app.authorization.metrics()
    yield from app.admitted.metrics()
    if app.audit is not None:
        yield from app.audit.metrics()


def _stored(app: App) -> Iterator[Metric]:
    objects = {(r.resource.group, r.resource.plural): r.cache.count() for r in app.registries.values()}
    yield gauge("apiserver_resource_objects", "Objects that are stored.", ("group", "resource"), objects.items())
    yield gauge("apiserver_storage_revision", "Revision of the store.", (), [((), app.store.revision)])
    sealed = len(app.store.sealed)
    yield gauge("apiserver_storage_unreadable_objects", "Objects that cannot be decrypted.", (), [((), sealed)])
    remotes = {(remote.name,): int(not remote.available) for remote in app.aggregator.remotes.values()}
    text = "Whether an aggregated API cannot be asked."
    yield gauge("aggregator_unavailable_apiservice", text, ("name",), remotes.items())
    text = "Versions of old that somebody has asked for."
    yield gauge("apiserver_requested_deprecated_apis", text, _DEPRECATED, ((labels, 1) for labels in _deprecated(app)))


def _deprecated(app: App) -> Iterator[tuple[str, ...]]:
    for group, version, resource, subresource in app.metrics.requested():
        served = app.catalog.find(group, version, resource)
        retired = served.version.retired if served is not None and served.version is not None else None
        if retired is not None:
            yield group, version, resource, subresource, retired.removed
