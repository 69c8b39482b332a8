"""What protobuf must know of a type beyond its shape: the numbers of its fields, and what an absent or zero value means.

The types say everything but that; it comes from `types/wire.bin` (see scripts/generate_wire.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from steersman.api import shape as shapes
from steersman.api.shape import Shape
from steersman.kinds.types.meta_v1 import ListObject

MAGIC = b"k8s\x00"
"""What every body in this encoding begins with; a message of its type and content follows."""

# All lists of objects are alike.
_LIST = {"1": "metadata", "2": "items"}


class Field(NamedTuple):
    """One field of a message.

    `present`: its presence means something (a pointer in Go); others travel even when they are zero, and zero then means
    absent. `wrapped`: a list that travels as a message of its items. `inline`: the fields of a message whose fields belong to
    the outer object; it has no name and no shape of its own. `told`: the type tells zero from absence.
    """

    number: int
    name: str = ""
    attribute: str = ""
    shape: Shape | None = None
    present: bool = False
    wrapped: bool = False
    inline: Mapping[int, Field] | None = None
    told: bool = False


@cache
def _numbers() -> dict[str, dict[str, str]]:
    data = json.loads((Path(__file__).parent / "types" / "wire.bin").read_bytes())
    assert isinstance(data, dict)
    return data


def _message(module: str, name: str) -> dict[str, str]:
    """The numbers of a message; beta and alpha versions may borrow from their group's v1, and all from meta/v1."""
    numbers = _numbers()
    names = (f"{module}.{name}", f"{module.partition('_')[0]}_v1.{name}", f"meta_v1.{name}")
    return next((numbers[n] for n in names if n in numbers), {})


def known(cls: type[Struct]) -> bool:
    """Whether objects of this type have the encoding: those of the oldest versions have none."""
    return bool(fields(cls))


@cache
def fields(cls: type[Struct]) -> Mapping[int, Field]:
    """The fields of a type that have numbers, by these, in their order."""
    module = cls.__module__.rpartition(".")[2]
    # What is zero by default is absent then.
    telling = {
        f.encode_name for f in msgspec.structs.fields(cls) if f.default is None or f.default is msgspec.NODEFAULT
    }
    message = _LIST if issubclass(cls, ListObject) else _message(module, cls.__name__)
    return _resolve(message, module, shapes.fields(cls), telling)


def _resolve(
    message: Mapping[str, str], module: str, known: Mapping[str, shapes.Field], telling: set[str]
) -> Mapping[int, Field]:
    found = {}
    for number, name in sorted((int(number), name) for number, name in message.items()):
        if name.startswith("+"):
            inner = _message(module, name[1:].rpartition(".")[2])
            found[number] = Field(number, inline=_resolve(inner, module, known, telling))
            continue
        plain = name.rstrip("*!")
        if plain in known:
            attribute, shape = known[plain]
            present, wrapped = name.endswith("*"), name.endswith("!")
            found[number] = Field(number, plain, attribute, shape, present, wrapped, told=plain in telling)
    return found
