"""What both OpenAPI versions describe: the definitions and paths of a set of served resources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from steersman.apiserver.openapi.descriptions import describe
from steersman.apiserver.openapi.paths import Operations, paths_of
from steersman.apiserver.openapi.schemas import Builder, Schema
from steersman.kinds.kind import Served, list_type
from steersman.kinds.types import meta_v1


@dataclass(slots=True)
class Model:
    """Definitions by name and operations by path, in order."""

    definitions: dict[str, Schema] = field(default_factory=dict)
    paths: dict[str, Operations] = field(default_factory=dict)


def build(served: Iterable[Served], prefix: str) -> Model:
    """Load the types of the resources and describe them; references begin with `prefix`."""
    builder = Builder(prefix)
    model = Model(builder.definitions)
    status = prefix + builder.add(meta_v1.Status)
    builder.add(meta_v1.DeleteOptions)
    for one in served:
        cls = one.type
        reference = prefix + builder.add(cls)
        list_reference = prefix + builder.add(list_type(one.resource, cls)) if "list" in one.kind.verbs else status
        for path, operations in paths_of(one, reference, list_reference):
            if operations:
                model.paths[path] = operations
    describe(model.definitions)
    model.definitions = dict(sorted(model.definitions.items()))
    return model
