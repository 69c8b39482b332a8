"""/metrics: everything that is counted anywhere in an API server, put together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from steersman.api.metrics import Metric, gauge
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.metrics import PROCESS

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_DEPRECATED = ("group", "version", "resource", "subresource", "removed_release")


def render(app: App) -> str:
    """The text that Prometheus reads."""
    text = app.metrics.render(_metrics(app)) + app.flow_control.metrics() + app.pod_security.render()
    if app.audit is not None:
        text += app.audit.metrics()
    timing = sys.modules.get("steersman.cel.timing")
    if timing is not None:
        # Expressions are loaded with the first one.
        text += timing.TIMES.render()
    tokencounts.take_hits()
    return text + PROCESS.render()


def _metrics(app: App) -> Iterator[Metric]:
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
