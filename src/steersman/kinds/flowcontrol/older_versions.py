"""Flow control as its beta versions knew it: shares had another name, and none of them meant the usual number."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, Version, older

GROUP = "flowcontrol.apiserver.k8s.io"
# Where today's zero has come from: it means zero, which the beta versions could not say.
PRESERVE_ZERO = "flowcontrol.k8s.io/v1beta3-preserve-zero"
_SHARES, _TODAY = "assuredConcurrencyShares", "nominalConcurrencyShares"
_LIFE = {"v1beta3": ("1.29", "1.32"), "v1beta2": ("1.26", "1.29"), "v1beta1": ("1.23", "1.26")}


def _limited(plain: Plain) -> Plain:
    found: Plain = (plain.get("spec") or {}).get("limited") or {}
    return found


def rename_to_stored(plain: Plain) -> None:
    limited = _limited(plain)
    if _SHARES in limited:
        limited[_TODAY] = limited.pop(_SHARES)
    to_stored(plain)


def rename_from_stored(plain: Plain) -> None:
    from_stored(plain)
    limited = _limited(plain)
    if _TODAY in limited:
        limited[_SHARES] = limited.pop(_TODAY)


def to_stored(plain: Plain) -> None:
    """A zero stays one only if it is said to be meant; the usual number is filled in later."""
    annotations = (plain.get("metadata") or {}).get("annotations") or {}
    meant = annotations.get(PRESERVE_ZERO) == "true"
    if meant:
        del annotations[PRESERVE_ZERO]
        if not annotations:
            del plain["metadata"]["annotations"]
    limited = _limited(plain)
    if limited.get(_TODAY) == 0 and not meant:
        del limited[_TODAY]


def from_stored(plain: Plain) -> None:
    if _limited(plain).get(_TODAY) == 0:
        plain.setdefault("metadata", {}).setdefault("annotations", {})[PRESERVE_ZERO] = "true"


def _schema(version: str) -> Version:
    return older(Resource(GROUP, version, "flowschemas", "FlowSchema", False), *_LIFE[version])


def _level(version: str) -> Version:
    renamed = version != "v1beta3"
    return older(
        Resource(GROUP, version, "prioritylevelconfigurations", "PriorityLevelConfiguration", False),
        *_LIFE[version],
        to_stored=rename_to_stored if renamed else to_stored,
        from_stored=rename_from_stored if renamed else from_stored,
    )


FLOW_SCHEMA = tuple(map(_schema, _LIFE))
PRIORITY_LEVEL_CONFIGURATION = tuple(map(_level, _LIFE))
