"""ComponentStatuses: the health of the store, which is all that the server can tell of by itself.

Kubernetes has them deprecated since 1.19; `kubectl get componentstatuses` and old tools still ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.api.http import Response
from steersman.apiserver import respond, table
from steersman.apiserver.context import Context, heading
from steersman.apiserver.negotiation import Accepted
from steersman.kinds.kind import Served
from steersman.kinds.types.core_v1 import ComponentCondition, ComponentStatus, ComponentStatusList
from steersman.kinds.types.meta_v1 import ObjectMeta

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_WARNING = "v1 ComponentStatus is deprecated in v1.19+"
# The store goes by the name that clients know.
_STORE = "etcd-0"


async def handle(app: App, ctx: Context, served: Served) -> Response:
    name = ctx.info.name
    found = [status for status in (_store(app),) if name in ("", status.metadata.name)]
    if name and not found:
        raise NotFound.of(served.resource, name)
    ctx.warnings.append(_WARNING)
    accepted = ctx.accept_meta()
    if accepted.kind == table.TABLE and not accepted.protobuf:
        return respond.body(200, _table(app, served, found, accepted), accepted, ctx.warnings)
    return respond.value(200, found[0] if name else ComponentStatusList(items=found), ctx.accept(), ctx.warnings)


def _table(app: App, served: Served, found: list[ComponentStatus], accepted: Accepted) -> bytes:
    now = app.clock.now()
    rows = [{"cells": served.kind.row(status, now), "object": status} for status in found]
    shown = {
        "kind": table.TABLE,
        "apiVersion": f"meta.k8s.io/{accepted.version}",
        "metadata": {"resourceVersion": ""},
        "columnDefinitions": msgspec.Raw(heading(served)[1]),
        "rows": rows,
    }
    return codec.encode(shown)


def _store(app: App) -> ComponentStatus:
    healthy = app.health.store()
    condition = ComponentCondition(
        type="Healthy", status="True" if healthy else "False", message="ok" if healthy else "the store does not answer"
    )
    return ComponentStatus(metadata=ObjectMeta(name=_STORE), conditions=[condition])
