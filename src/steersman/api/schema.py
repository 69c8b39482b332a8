"""What a typed API object says about itself: the base of every Struct, its scalar types and its list metadata."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias

from msgspec import Meta, Struct


class Scalar(Enum):
    """Marks a scalar whose values need more than a type check: `codec` finds the fields by it."""

    TIME = "Time"
    MICRO_TIME = "MicroTime"
    QUANTITY = "Quantity"
    BYTES = "bytes"


class ListInfo(NamedTuple):
    """How a list or map field merges.

    `list_type` is atomic, set or map (for lists), atomic or granular (for maps), or empty; `map_keys` identify the
    items of a map-typed list; `patch_strategy` (`merge`, `replace`, `merge,retainKeys`) and `merge_key` are those of
    strategic merge patch.
    """

    list_type: str = ""
    map_keys: tuple[str, ...] = ()
    patch_strategy: str = ""
    merge_key: str = ""


class ApiType(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Base of every API type, with what the schema says of its fields, by their wire name.

    `__merge__` holds those that merge in a special way, `__required__` those that a client must send. `__atomic__` types
    are owned and applied whole; `__key_defaults__` are the values of fields that identify list items, when left out.
    """

    __merge__: ClassVar[Mapping[str, ListInfo]] = {}
    __required__: ClassVar[frozenset[str]] = frozenset()
    __atomic__: ClassVar[bool] = False
    __key_defaults__: ClassVar[Mapping[str, str]] = {}


Int32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Time: TypeAlias = Annotated[str, Scalar.TIME]
MicroTime: TypeAlias = Annotated[str, Scalar.MICRO_TIME]
Bytes: TypeAlias = Annotated[str, Scalar.BYTES]
Quantity: TypeAlias = Annotated[str | int | float, Scalar.QUANTITY]
IntOrString: TypeAlias = int | str
JSON: TypeAlias = Any
"""Any JSON value, kept as it came (apiextensions' JSON)."""
RawExtension: TypeAlias = Any
"""An object of a type that is not known here, as a dict."""
