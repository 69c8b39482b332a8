"""Roles of the controllers of volumes, claims and devices."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import EVENTS, READ, controller, controllers, may

AREA = controllers(
    controller(
        "attachdetach-controller",
        may("list watch", "persistentvolumeclaims persistentvolumes"),
        may(READ, "nodes"),
        may("patch update", "nodes/status"),
        may("list watch", "pods"),
        EVENTS,
        may("create delete get list watch", "volumeattachments", "storage.k8s.io"),
        may(READ, "csidrivers", "storage.k8s.io"),
        may(READ, "csinodes", "storage.k8s.io"),
    ),
    controller(
        "expand-controller",
        may("get list patch update watch", "persistentvolumes"),
        may("patch update", "persistentvolumeclaims/status"),
        may(READ, "persistentvolumeclaims"),
        EVENTS,
    ),
    controller(
        "ephemeral-volume-controller",
        may(READ, "pods"),
        may("update", "pods/finalizers"),
        may("create get list watch", "persistentvolumeclaims"),
        EVENTS,
    ),
    controller(
        "persistent-volume-binder",
        may("create delete get list update watch", "persistentvolumes"),
        may("update", "persistentvolumes/status"),
        may("get list update watch", "persistentvolumeclaims"),
        may("update", "persistentvolumeclaims/status"),
        may("create delete get list watch", "pods"),
        may(READ, "storageclasses", "storage.k8s.io"),
        may("list watch", "nodes"),
        EVENTS,
        may("watch", "events"),
    ),
    controller(
        "pvc-protection-controller",
        may("get list update watch", "persistentvolumeclaims"),
        may("update", "persistentvolumeclaims/status"),
        may(READ, "pods"),
        EVENTS,
    ),
    controller(
        "pv-protection-controller",
        may("get list update watch", "persistentvolumes"),
        EVENTS,
    ),
    controller(
        "volumeattributesclass-protection-controller",
        may(READ, "persistentvolumeclaims"),
        may(READ, "persistentvolumes"),
        may("get list update watch", "volumeattributesclasses", "storage.k8s.io"),
        EVENTS,
    ),
    controller(
        "selinux-warning-controller",
        EVENTS,
        may(READ, "persistentvolumes"),
        may(READ, "persistentvolumeclaims"),
        may(READ, "pods"),
        may(READ, "csidrivers", "storage.k8s.io"),
    ),
    controller(
        "resource-claim-controller",
        may(READ, "pods"),
        may("update", "pods/finalizers"),
        may("create delete get list watch", "resourceclaims", "resource.k8s.io"),
        may("patch update", "resourceclaims resourceclaims/status", "resource.k8s.io"),
        may("patch update", "pods/status"),
        EVENTS,
        may("patch update", "resourceclaims/binding", "resource.k8s.io"),
    ),
    controller(
        "device-taint-eviction-controller",
        may("delete get list watch", "pods"),
        may("patch update", "pods/status"),
        may(READ, "resourceclaims", "resource.k8s.io"),
        may(READ, "resourceslices", "resource.k8s.io"),
        may(READ, "deviceclasses", "resource.k8s.io"),
        EVENTS,
        may("patch update", "devicetaintrules/status", "resource.k8s.io"),
        may(READ, "devicetaintrules", "resource.k8s.io"),
    ),
)
