"""Roles of the controllers of Services, their endpoints and addresses."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import EVENTS, READ, controller, controllers, may

AREA = controllers(
    controller(
        "endpoint-controller",
        may(READ, "pods services"),
        may("create delete get list update watch", "endpoints"),
        may("create", "endpoints/restricted"),
        EVENTS,
    ),
    controller(
        "endpointslice-controller",
        may(READ, "nodes pods services"),
        may("update", "services/finalizers"),
        may("create delete get list update watch", "endpointslices", "discovery.k8s.io"),
        EVENTS,
    ),
    controller(
        "endpointslicemirroring-controller",
        may(READ, "endpoints services"),
        may("update", "services/finalizers"),
        may("update", "endpoints/finalizers"),
        may("create delete get list update watch", "endpointslices", "discovery.k8s.io"),
        EVENTS,
    ),
    controller(
        "service-controller",
        may(READ, "services"),
        may("patch update", "services/status"),
        may("list watch", "nodes"),
        EVENTS,
    ),
    controller(
        "service-cidrs-controller",
        may("get list patch update watch", "servicecidrs", "networking.k8s.io"),
        may("patch update", "servicecidrs/finalizers", "networking.k8s.io"),
        may("patch update", "servicecidrs/status", "networking.k8s.io"),
        may(READ, "ipaddresses", "networking.k8s.io"),
        EVENTS,
    ),
    controller(
        "route-controller",
        may("list watch", "nodes"),
        may("patch", "nodes/status"),
        EVENTS,
    ),
)
