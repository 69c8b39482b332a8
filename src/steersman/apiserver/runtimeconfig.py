"""Which API versions are served: what kube-apiserver's `--runtime-config` says, and `api/legacy` besides.

Keys are `group/version/resource`, `group/version` (`v1` for the core group), `api/legacy` (what Kubernetes itself serves no
more), `api/ga`, `api/beta`, `api/alpha` and `api/all`; the first of these that is given decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from steersman.kinds.kind import Served

_WORDS = {"true": True, "false": False}
_CLASSES = ("legacy", "ga", "beta", "alpha", "all")
_KEY = re.compile(r"v\d\w*|[a-z0-9.-]+/v\d\w*(/[a-z]+)?")


class RuntimeConfigError(ValueError):
    """A setting that says nothing."""


@dataclass(frozen=True)
class RuntimeConfig:
    """What is switched on and off, by key. Without a word about it, a version is served if it is so by default."""

    entries: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> RuntimeConfig:
        """From keys and values as they are written; a key alone switches on. Raises RuntimeConfigError."""
        entries = {}
        for key, value in settings.items():
            group, _, name = key.partition("/")
            if (group == "api" and name not in _CLASSES) or (group != "api" and not _KEY.fullmatch(key)):
                raise RuntimeConfigError(f"{key}: neither a group version, a resource of one, nor one of {_classes()}")
            if value and value not in _WORDS:
                raise RuntimeConfigError(f"{key}: must be true or false, not {value!r}")
            entries[key] = _WORDS[value or "true"]
        return cls(entries)

    def serves(self, served: Served) -> bool:
        """Whether a kind is served in this version."""
        resource = served.resource
        legacy = ("api/legacy",) if served.is_legacy else ()
        for key in (
            f"{resource.api_version}/{resource.plural}",
            resource.api_version,
            *legacy,
            _stage(resource.version),
            "api/all",
        ):
            if key in self.entries:
                return self.entries[key]
        return served.served_by_default


def _classes() -> str:
    return ", ".join(f"api/{name}" for name in _CLASSES)


def _stage(version: str) -> str:
    for stage in ("alpha", "beta"):
        if stage in version:
            return f"api/{stage}"
    return "api/ga"
