"""Label and field selectors of a request, checked against what a kind can select by."""

from __future__ import annotations

from typing import Any

from steersman.api import fields, labels
from steersman.api.errors import BadRequest
from steersman.api.fields import FieldSelector
from steersman.api.labels import Selector
from steersman.apiserver.params import ListOptions
from steersman.kinds.kind import Kind

_META = frozenset({"metadata.name", "metadata.namespace"})


def selectors(kind: Kind[Any], options: ListOptions) -> tuple[Selector | None, FieldSelector | None]:
    """The selectors asked for; None for one that restricts nothing. Raises BadRequest."""
    label: Selector | None = None
    field: FieldSelector | None = None
    if options.labels:
        try:
            label = labels.parse(options.labels)
        except labels.SelectorError as error:
            raise BadRequest(str(error)) from error
    if options.fields:
        try:
            field = fields.parse(options.fields)
        except fields.FieldSelectorError as error:
            raise BadRequest(str(error)) from error
        _check(kind, field)
    return label, field


def _check(kind: Kind[Any], field: FieldSelector) -> None:
    own = kind.selectable_fields
    for name in field.fields:
        if name in own or name in _META:
            continue
        if own <= _META:
            raise BadRequest(f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"')
        raise BadRequest(f"field label not supported: {name}")
