"""What every object's metadata needs: resource identity, timestamps, generated names and unique ids."""

from __future__ import annotations

import hashlib
import os
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

# The alphabet of generated names leaves out vowels and look-alikes, so that no word and no confusion comes of chance.
NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_RANDOM = random.SystemRandom()
_MAX_GENERATED_NAME = 63
SUFFIX_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Resource:
    """A served resource: `group` is empty for the core group; `plural` is the name in paths."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`deployments.apps`, or `pods` in the core group: how messages name a resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, an object, or an object's subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{namespace}"
        return "/".join(p for p in (root + "/" + self.plural, name, subresource) if p)


def new_uid() -> str:
    """A random UUID (RFC 9562, version 4)."""
    return _uids.pop() if _uids else _more_uids()


# Randomness is asked of the system for many at once: one question costs more than all else about a UUID.
_uids: list[str] = []
_UIDS_AT_ONCE = 64


def _more_uids() -> str:
    random = os.urandom(16 * _UIDS_AT_ONCE)
    _uids.extend(str(uuid.UUID(bytes=random[at : at + 16], version=4)) for at in range(0, len(random), 16))
    return _uids.pop()


def _forget_uids() -> None:
    # A forked process must not give out what its parent gives out.
    _uids.clear()


os.register_at_fork(after_in_child=_forget_uids)


def random_suffix(length: int = SUFFIX_LENGTH) -> str:
    return "".join(_RANDOM.choices(NAME_ALPHABET, k=length))


def suffix_of(text: str, length: int = SUFFIX_LENGTH) -> str:
    """As `random_suffix`, but always the same for the same text."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    out = ""
    for _ in range(length):
        number, rest = divmod(number, len(NAME_ALPHABET))
        out += NAME_ALPHABET[rest]
    return out


def generate_name(base: str) -> str:
    """A name from `generateName`: the base, cut to leave room, and five random characters."""
    return base[: _MAX_GENERATED_NAME - SUFFIX_LENGTH] + random_suffix()


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as metav1.Time is written."""
    # isoformat pads years below 1000, which strftime leaves to the C library.
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def format_micro_time(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits, as metav1.MicroTime is written."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> datetime:
    """A metav1.Time or MicroTime; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no zone")
    return moment


def object_key(namespace: str, name: str) -> str:
    """`namespace/name`, or the bare name for a cluster-scoped object: the key of informers and workqueues."""
    return f"{namespace}/{name}" if namespace else name
