"""Objects that are stored and cannot be decrypted: which ones a cache has, and what those are told who ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.api.errors import InternalError, StatusError
from steersman.api.meta import Resource
from steersman.store.index import bounds
from steersman.store.sealing import Sealed

SHOWN = 100
"""Objects that an error names."""
_CORRUPT = 7


def described(key: str, reason: str) -> str:
    """What is wrong with the object at a key of the store."""
    return (
        f"StorageError: corrupt object, Code: {_CORRUPT}, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"data from the storage is not transformable revision=0: {reason}"
    )


def of_object(key: str, reason: str) -> InternalError:
    """The answer to who asks for that object."""
    return InternalError.occurred(described(key, reason))


def of_list(resource: Resource, found: Mapping[str, str]) -> StatusError:
    """The answer to who asks for a list in which these objects are, keys and reasons."""
    name = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    texts = {key: described(key, reason) for key, reason in list(found.items())[:SHOWN]}
    causes: list[dict[str, str]] = [
        {"reason": "UnexpectedServerResponse", "message": text, "field": key} for key, text in texts.items()
    ]
    if len(found) > SHOWN:
        causes.append({"reason": "FieldValueTooMany", "message": "too many errors, the list is truncated"})
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    details: dict[str, Any] = {"name": "list", "kind": resource.plural, "causes": causes}
    if resource.group:
        details["group"] = resource.group
    return StatusError(
        f"failed to read one or more {name} from the storage: {next(iter(texts.values()))}{more}",
        details=details,
        code=500,
        reason="StoreReadError",
    )


class Unreadable:
    """The objects of one resource that cannot be decrypted, beside those of its cache that can."""

    def __init__(self, resource: Resource, prefix: str) -> None:
        self._resource = resource
        self._prefix = prefix
        self._found: dict[str, tuple[Sealed, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def put(self, key: str, value: Sealed, revision: int) -> None:
        """There is one at a key."""
        self._found[key] = value, revision

    def remove(self, key: str) -> bool:
        """The one at a key is gone, or can be read; whether there was one."""
        return self._found.pop(key, None) is not None

    def clear(self) -> None:
        self._found.clear()

    def revision(self, key: str) -> int:
        """The revision of the one at a key, 0 for none."""
        found = self._found.get(key)
        return 0 if found is None else found[1]

    def count(self, namespace: str) -> int:
        """How many there are."""
        return len(self._inside(namespace))

    def _inside(self, namespace: str) -> dict[str, str]:
        low, high = bounds(f"{self._prefix}{namespace}/" if namespace else self._prefix)
        return {key: value.reason for key, (value, _) in sorted(self._found.items()) if low <= key < high}

    def check(self, key: str) -> None:
        """Raises the answer to who asks for the object at a key, if it is here."""
        found = self._found.get(key)
        if found is not None:
            raise of_object(key, found[0].reason)

    def check_list(self, namespace: str) -> None:
        """Raises the answer to who asks for a list, if one of these belongs into it."""
        inside = self._inside(namespace)
        if inside:
            raise of_list(self._resource, inside)
