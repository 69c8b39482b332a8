"""The options a client gives in the query or the body: of reads, of writes and of deletions, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from steersman.api import duration
from steersman.api import field as fields
from steersman.api.duration import DurationError
from steersman.api.errors import BadRequest, Invalid
from steersman.api.field import FieldError, Path
from steersman.api.meta import Resource
from steersman.apiserver.requestinfo import Query

_DRY_RUN = "All"
_VALIDATIONS = ("Ignore", "Warn", "Strict")
_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_MAX_MANAGER = 128
_INT64 = 1 << 63
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII).fullmatch
# Leading zeros included; a number that fits into 64 bits has at most twenty.
_DIGITS = 4000
# Anybody may ask, before it is known who it is.
_LONGEST_TIMEOUT = 64


def _options_resource(kind: str) -> Resource:
    return Resource("meta.k8s.io", "v1", "", kind, False)


def integer(query: Query, name: str) -> int | None:
    """A whole number, or None when the parameter is absent or empty. Raises BadRequest for anything else."""
    text = query.get(name)
    if not text:
        return None
    if not _INTEGER(text):
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    # More digits than Python takes for a number are too many in any case.
    number = int(text) if len(text) <= _DIGITS else _INT64
    if not -_INT64 <= number < _INT64:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": value out of range')
    return number


def check_timeout(query: Query) -> None:
    """Check how long the client would wait, which every request but those that last may say. Raises BadRequest."""
    text = query.get("timeout")
    if not text:
        return
    try:
        if len(text) > _LONGEST_TIMEOUT:
            raise DurationError(f'time: invalid duration "{text[:_LONGEST_TIMEOUT]}"')
        duration.parse(text)
    except DurationError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from error


def parse_revision(text: str) -> int:
    """A resourceVersion as a revision; 0 for none. Raises Invalid."""
    revision, problem = revision_of(text)
    if problem:
        error = fields.invalid(Path("resourceVersion"), text, problem)
        raise Invalid.of(_options_resource("ListOptions"), "", [error])
    return revision


def revision_of(text: str) -> tuple[int, str]:
    """A resourceVersion as a revision, 0 for none, and why it is no such thing, if so."""
    if not text or text == "0":
        return 0, ""
    why = "invalid syntax"
    if text.isascii() and text.isdigit():
        if len(text) <= _DIGITS and (revision := int(text)) < 2 * _INT64:
            return revision, ""
        why = "value out of range"
    return 0, f'strconv.ParseUint: parsing "{text}": {why}'


@dataclass(slots=True)
class ListOptions:
    """Options of list, watch and deletecollection, as in metav1.ListOptions. `send_initial_events` is None when not given."""

    labels: str = ""
    fields: str = ""
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    match: str = ""
    timeout: int | None = None
    bookmarks: bool = False
    send_initial_events: bool | None = None

    @classmethod
    def parse(cls, query: Query, *, watch: bool = False) -> ListOptions:
        """Read and check. Raises BadRequest or Invalid."""
        if not query:
            return cls()
        options = cls(
            query.get("labelSelector"),
            query.get("fieldSelector"),
            # A negative limit is none.
            max(integer(query, "limit") or 0, 0),
            query.get("continue"),
            query.get("resourceVersion"),
            query.get("resourceVersionMatch"),
            integer(query, "timeoutSeconds"),
            query.flag("allowWatchBookmarks"),
            query.flag("sendInitialEvents") if query.has("sendInitialEvents") else None,
        )
        errors = options._watch_errors() if watch else options._list_errors()
        if errors:
            raise Invalid.of(_options_resource("ListOptions"), "", errors)
        return options

    def _list_errors(self) -> list[FieldError]:
        errors: list[FieldError] = []
        path = Path("resourceVersionMatch")
        if self.match:
            if not self.resource_version:
                errors.append(
                    fields.forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided")
                )
            if self.continue_:
                errors.append(fields.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
            if self.match not in ("Exact", "NotOlderThan"):
                errors.append(fields.not_supported(path, self.match, ("Exact", "NotOlderThan", "")))
            if self.match == "Exact" and self.resource_version == "0":
                errors.append(
                    fields.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
                )
        if self.send_initial_events is not None:
            errors.append(fields.forbidden(Path("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
        return errors

    def _watch_errors(self) -> list[FieldError]:
        errors: list[FieldError] = []
        path = Path("resourceVersionMatch")
        if self.send_initial_events is not None and self.match != "NotOlderThan":
            errors.append(
                fields.forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
            )
        if self.match:
            if self.send_initial_events is None:
                errors.append(
                    fields.forbidden(
                        path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                    )
                )
            if self.match != "NotOlderThan":
                errors.append(fields.not_supported(path, self.match, ("NotOlderThan",)))
            if self.continue_:
                errors.append(fields.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
        return errors


@dataclass(slots=True)
class WriteOptions:
    """Options of create, update and patch. `validation` is Strict, Warn or Ignore."""

    dry_run: bool = False
    manager: str = ""
    validation: str = "Warn"
    force: bool | None = None

    @classmethod
    def parse(cls, query: Query, kind: str) -> WriteOptions:
        """Read and check; `kind` (CreateOptions, UpdateOptions, PatchOptions) is for messages."""
        if not query:
            return cls()
        errors = _dry_run_errors(query.all("dryRun"))
        validation = query.get("fieldValidation") or "Warn"
        if validation not in _VALIDATIONS:
            errors.append(fields.not_supported(Path("fieldValidation"), validation, ("", *_VALIDATIONS)))
        manager = query.get("fieldManager")
        if len(manager) > _MAX_MANAGER:
            errors.append(fields.too_long(Path("fieldManager"), _MAX_MANAGER))
        for position, character in enumerate(manager):
            if not character.isprintable():
                what = f"invalid character U+{ord(character):04X} (at position {position})"
                errors.append(fields.invalid(Path("fieldManager"), manager, what))
        if errors:
            raise Invalid.of(_options_resource(kind), "", errors)
        force = query.flag("force") if query.has("force") else None
        return cls(bool(query.get("dryRun")), manager, validation, force)

    @classmethod
    def parse_patch(cls, query: Query, *, apply: bool) -> WriteOptions:
        """As `parse`, with what only an apply must say, and no other patch may. Raises BadRequest or Invalid."""
        options = cls.parse(query, "PatchOptions")
        error = None
        if apply and not options.manager:
            error = fields.required(Path("fieldManager"), "is required for apply patch")
        elif not apply and options.force is not None:
            error = fields.forbidden(Path("force"), "may not be specified for non-apply patch")
        if error is not None:
            raise Invalid.of(_options_resource("PatchOptions"), "", [error])
        return options


def _dry_run_errors(values: list[str]) -> list[FieldError]:
    return [fields.not_supported(Path("dryRun"), [v], (_DRY_RUN,)) for v in values if v and v != _DRY_RUN]


class Preconditions(msgspec.Struct):
    """What must hold of the object that is deleted; empty strings ask nothing."""

    uid: str | None = None
    resourceVersion: str | None = None


class DeleteOptions(msgspec.Struct, omit_defaults=True):
    """metav1.DeleteOptions as a client sends it."""

    kind: str = ""
    apiVersion: str = ""
    gracePeriodSeconds: int | None = None
    preconditions: Preconditions | None = None
    orphanDependents: bool | None = None
    propagationPolicy: str | None = None
    dryRun: list[str] = msgspec.field(default_factory=list)
    ignoreStoreReadErrorWithClusterBreakingPotential: bool | None = None

    @property
    def dry_run(self) -> bool:
        return bool(self.dryRun)

    def check(self) -> None:
        """Raise Invalid for what contradicts itself or is unknown."""
        errors = _dry_run_errors(self.dryRun)
        if self.propagationPolicy:
            if self.propagationPolicy not in _PROPAGATIONS:
                errors.append(
                    fields.not_supported(Path("propagationPolicy"), self.propagationPolicy, (*_PROPAGATIONS, "nil"))
                )
            if self.orphanDependents is not None:
                errors.append(
                    fields.invalid(
                        Path("propagationPolicy"),
                        self.propagationPolicy,
                        "orphanDependents and deletionPropagation cannot be both set",
                    )
                )
        errors += self._unsafe_errors()
        if errors:
            raise Invalid.of(_options_resource("DeleteOptions"), "", errors)

    def check_collection(self) -> None:
        """Raise Invalid for what cannot be asked of more than one object."""
        if self.ignoreStoreReadErrorWithClusterBreakingPotential:
            path = Path("ignoreStoreReadErrorWithClusterBreakingPotential")
            error = fields.invalid(
                path, True, "is not allowed with DELETECOLLECTION, try again after removing the option"
            )
            raise Invalid.of(_options_resource("DeleteOptions"), "", [error])

    def _unsafe_errors(self) -> list[FieldError]:
        """What an object that cannot be read cannot be deleted with."""
        if not self.ignoreStoreReadErrorWithClusterBreakingPotential:
            return []
        given = (
            ("propagationPolicy", self.propagationPolicy),
            ("orphanDependents", self.orphanDependents),
            ("gracePeriodSeconds", self.gracePeriodSeconds),
            ("preconditions", self.preconditions),
        )
        path = Path("ignoreStoreReadErrorWithClusterBreakingPotential")
        return [fields.invalid(path, True, f"cannot be set together with .{n}") for n, v in given if v is not None]


def delete_options(body: Any, query: Query) -> DeleteOptions:
    """From a decoded body when there is one, else from the query. Raises BadRequest or Invalid."""
    if body is not None:
        try:
            options = msgspec.convert(body, DeleteOptions)
        except msgspec.ValidationError as error:
            raise BadRequest(f"unable to decode DeleteOptions: {error}") from error
        if options.kind not in ("", "DeleteOptions"):
            raise BadRequest("decoded object cannot be converted to DeleteOptions")
    elif query:
        orphan = query.flag("orphanDependents") if query.has("orphanDependents") else None
        options = DeleteOptions(
            gracePeriodSeconds=integer(query, "gracePeriodSeconds"),
            orphanDependents=orphan,
            propagationPolicy=query.get("propagationPolicy") or None,
            dryRun=[v for v in query.all("dryRun") if v],
            ignoreStoreReadErrorWithClusterBreakingPotential=query.flag(
                "ignoreStoreReadErrorWithClusterBreakingPotential"
            ),
        )
    else:
        options = DeleteOptions()
    options.check()
    return options
