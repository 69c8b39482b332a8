"""Restricted: volumes are of types that belong to the pod or to a claim."""

from __future__ import annotations

from msgspec.structs import fields

from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, plural, quoted
from steersman.kinds.types.core_v1 import Volume

_ALLOWED = frozenset(
    (
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    )
)  # fmt: skip
# Of a volume that claims to be of two restricted types, the first is named; hostPath before all others.
_RESTRICTED = ("hostPath", *(f.name for f in fields(Volume) if f.name not in _ALLOWED | {"name", "hostPath"}))


def check(subject: Subject) -> Violation | None:
    bad, types = [], set()
    for volume in subject.spec.volumes or ():
        if any(getattr(volume, name) is not None for name in _ALLOWED):
            continue
        bad.append(volume.name)
        types.add(next((name for name in _RESTRICTED if getattr(volume, name) is not None), "unknown"))
    if not bad:
        return None
    what = f"{plural('restricted volume type', len(types))} {quoted(sorted(types))}"
    verb = "uses" if len(bad) == 1 else "use"
    return Violation("restricted volume types", f"{plural('volume', len(bad))} {quoted(bad)} {verb} {what}")


CONTROL = Control("restrictedVolumes", RESTRICTED, {0: check}, ("hostPathVolumes",))
