"""The declaration of a kind: everything that the API server must know of it, in one frozen value per kind.

A kind's file says only what is special; the defaults here are those of a plain object with a spec and a status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from types import new_class
from typing import Any, Generic, TypeVar

import msgspec

from steersman.api import codec, names
from steersman.api.duration import age
from steersman.api.field import Errors, FieldError, Path, same
from steersman.api.meta import Resource
from steersman.kinds import metadata

# Kinds are declared before their types are loaded, so that T stands for the type without being one.
T = TypeVar("T")
Plain = dict[str, Any]
"""An object as plain dicts and lists."""

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CREATE_ONLY = ("create",)
_METADATA = Path("metadata")
_EXTENDING = frozenset(
    {"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "internal.apiserver.k8s.io"}
)
_NOT_SPEC = frozenset({"kind", "apiVersion", "metadata", "status"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`. Those with a priority above zero are shown by `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


NAME = Column("Name", format="name", description="The object's name, unique in its namespace.")
AGE = Column("Age", description="How long ago the object was created.")


def wide(name: str, type: str = "string") -> Column:
    """A column that only `-o wide` shows."""
    return Column(name, type, priority=1)


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource finds its values. `selector` is a LabelSelector, or a plain map of labels."""

    spec_replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = "spec.selector"
    required: bool = False
    """Whether an object without a number of replicas has no scale."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """Since when Kubernetes advises against a version, when it stopped serving it, and what is to be used instead."""

    deprecated: str
    removed: str
    replacement: Resource | None = None
    """Without one, the version that is stored."""


@dataclass(frozen=True)
class Version:
    """A further version in which a kind is served. Objects are stored in the kind's own.

    The functions turn an object's plain form from this version into the stored one, in place, and back; apiVersion is
    already done. Without them the two versions have the same fields.
    """

    resource: Resource
    served_by_default: bool = False
    to_stored: Callable[[Plain], None] | None = None
    from_stored: Callable[[Plain], None] | None = None
    default: Callable[[Plain], None] | None = None
    """Fills in what this version defaults in a way of its own, in its plain form; the kind's own defaults come after."""
    tolerates: Callable[[FieldError], bool] | None = None
    """What the validation of the stored version finds, and this version allows."""
    like: Resource | None = None
    """The version with the same fields, where that is not the stored one and no types are generated for this one."""
    retired: Retirement | None = None
    """Set for versions that Kubernetes itself serves no more."""


def older(
    resource: Resource,
    deprecated: str,
    removed: str,
    *,
    to_stored: Callable[[Plain], None] | None = None,
    from_stored: Callable[[Plain], None] | None = None,
    default: Callable[[Plain], None] | None = None,
    tolerates: Callable[[FieldError], bool] | None = None,
    like: Resource | None = None,
    replacement: Resource | None = None,
) -> Version:
    """A version that Kubernetes has served before: deprecated in one release of it, and gone in another."""
    retired = Retirement(deprecated, removed, replacement)
    return Version(resource, True, to_stored, from_stored, default, tolerates, like, retired)


def _nothing(obj: Any) -> None:
    """The hook of a kind that has nothing to do here."""


def _nothing_on_update(obj: Any, old: Any) -> None:
    """As above, for updates."""


def _no_errors(obj: Any) -> Errors:
    return []


def _no_update_errors(obj: Any, old: Any) -> Errors:
    return []


def _no_warnings(obj: Any) -> list[str]:
    return []


def _no_fields(obj: Any) -> dict[str, str]:
    return {}


def _no_grace(obj: Any, seconds: int | None) -> int:
    return 0


def _finalizers(obj: Any) -> Sequence[str]:
    return obj.metadata.finalizers or ()


def name_and_age(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, age(obj.metadata.creationTimestamp, now)]


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind. The hooks (`on_…`, `check…`, `default`) add to what the methods of the same purpose do for every kind.

    Hooks may change the object they are given and nothing else: `old` belongs to a cache.
    """

    resource: Resource
    """The version that is stored, and how it is served."""
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: frozenset[str] = frozenset()
    versions: tuple[Version, ...] = ()
    served_by_default: bool = True
    deprecation: str = ""
    """What whoever uses the stored version is told, if there is something better altogether."""
    stored: bool = True
    """False for kinds that are only a request and its answer, such as TokenReview."""
    verbs: tuple[str, ...] = ALL_VERBS
    """Empty for a kind that is only spoken at a subresource, such as Scale or Eviction."""

    name_rule: names.Check = names.dns1123_subdomain
    generation: bool = False
    """Whether metadata.generation counts the changes of everything but metadata and status."""
    status_on_create: bool = False
    """Whether a new object may bring its status along; else it begins empty (kinds with a status subresource)."""
    allow_create_on_update: bool = False
    allow_unconditional_update: bool = True
    expires: bool = False
    """Whether an object is kept only for a while after its last change; how long is the API server's to say."""

    default: Callable[[T], None] = _nothing
    """Fills in defaults. Runs at every decoding of a client's object, before admission."""
    on_create: Callable[[T], None] = _nothing
    on_update: Callable[[T, T], None] = _nothing_on_update
    on_status_update: Callable[[T, T], None] = _nothing_on_update
    on_delete: Callable[[T], None] = _nothing
    """Runs when a delete marks an object that is kept for now, and before one is removed."""
    check: Callable[[T], Errors] = _no_errors
    check_new: Callable[[T], Errors] = _no_errors
    """What only a new object must not have; `check` runs for new and changed ones."""
    check_update: Callable[[T, T], Errors] = _no_update_errors
    check_status_update: Callable[[T, T], Errors] = _no_update_errors
    check_subresource: Mapping[str, Callable[[T, T], Errors]] = field(default_factory=dict)
    """Further subresources that change the object, and what is wrong with such a change."""
    early_warnings: Callable[[T], list[str]] = _no_warnings
    """The warnings of what a new object brings along and `on_create` makes something else of."""
    warnings: Callable[[T], list[str]] = _no_warnings
    update_warnings: Callable[[T, T], list[str]] | None = None
    """(new, old) → the warnings of a change, where these are not just those of the new object."""
    status_warnings: Callable[[T], list[str]] = _no_warnings
    """The warnings of a new status; those of the object itself are for whoever writes that."""
    selectable: Callable[[T], dict[str, str]] = _no_fields
    """Field selector values beyond metadata.name and metadata.namespace; always the same keys."""
    glimpse: type[msgspec.Struct] | None = None
    """A Struct with no more than the labels and what `selectable` reads, for kinds that have many large objects."""
    grace_period: Callable[[T, int | None], int] = _no_grace
    """(object, requested seconds) → the seconds that a delete waits; zero removes at once."""
    blockers: Callable[[T], Sequence[str]] = _finalizers
    """What must be gone before a deleted object can be removed: its finalizers."""

    columns: tuple[Column, ...] = (NAME, AGE)
    row: Callable[[T, datetime], list[Any]] = name_and_age
    """The cells of the object's row, one per column."""
    row_order: Callable[[T], Any] | None = None
    """By what the rows of a Table are sorted, where that is not the objects' order."""
    scale: ScalePaths | None = None

    @property
    def group(self) -> str:
        return self.resource.group

    @property
    def name(self) -> str:
        return self.resource.kind

    @property
    def singular_name(self) -> str:
        return self.singular or self.resource.kind.lower()

    @property
    def list_kind(self) -> str:
        return f"{self.resource.kind}List"

    @property
    def discovered_verbs(self) -> tuple[str, ...]:
        """The verbs that clients are told of."""
        return self.verbs

    @property
    def strategic(self) -> bool:
        """Whether strategic merge patches can be made of its objects."""
        return True

    @property
    def custom(self) -> bool:
        """Whether the kind is known by a schema only."""
        return False

    @property
    def schema(self) -> Any:
        """The schema of a custom kind, perhaps unpacked for this question; None for all others."""
        return None

    @property
    def storage_resource(self) -> Resource:
        """The version in which objects are stored."""
        return self.resource

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources

    @cached_property
    def type(self) -> type[T]:
        """The Struct of the stored version; loads its module."""
        found: type[T] = load_type(self.resource)
        return found

    @property
    def has_selectable(self) -> bool:
        """Whether field selectors may name more than metadata; if not, objects need not be decoded for them."""
        return self.selectable is not _no_fields

    @cached_property
    def selectable_fields(self) -> frozenset[str]:
        """Every field that a field selector may name."""
        fixed = {"metadata.name"} | ({"metadata.namespace"} if self.resource.namespaced else set())
        return frozenset(fixed | set(self.selectable(self.type())))

    def revive(self, plain: Any) -> T:
        """An object of the stored type from plain values, with defaults. Raises DecodeError."""
        obj: T = codec.from_builtins(self.type, plain)[0]  # type: ignore[type-var]
        self.default(obj)
        return obj

    def prepare_create(self, obj: T) -> None:
        """Fields that the server owns get their first values."""
        if self.has_status and not self.status_on_create:
            reset_status(obj)
        if self.generation:
            _meta(obj).generation = 1
        self.on_create(obj)

    def prepare_update(self, obj: T, old: T) -> None:
        """Fields that the server owns keep their values; generation counts a changed spec."""
        if self.has_status:
            _set(obj, "status", old)
        self.on_update(obj, old)
        self._count_generation(obj, old)

    def prepare_status_update(self, obj: T, old: T) -> None:
        """Only status, and what metadata a controller may change along with it, is taken from the new object."""
        for name in _spec_fields(type(obj)):
            _set(obj, name, old)
        meta, old_meta = _meta(obj), _meta(old)
        meta.generation = old_meta.generation
        meta.ownerReferences = old_meta.ownerReferences
        meta.finalizers = old_meta.finalizers
        self.on_status_update(obj, old)

    def _count_generation(self, obj: T, old: T) -> None:
        meta, before = _meta(obj), _meta(old).generation
        if not self.generation:
            meta.generation = before
            return
        changed = not all(same(getattr(obj, n), getattr(old, n)) for n in _spec_fields(type(obj)))
        meta.generation = (before or 0) + 1 if changed else before

    def validate(self, obj: T) -> Errors:
        """Everything that is wrong with a new object."""
        return [*self._validate_meta(obj), *self.check(obj), *self.check_new(obj)]

    def _validate_meta(self, obj: T) -> Errors:
        errors = metadata.validate(_meta(obj), namespaced=self.resource.namespaced, name=self.name_rule, path=_METADATA)
        return errors + self._validate_finalizers(obj)

    def _validate_finalizers(self, obj: T) -> Errors:
        """Those who extend the API may use finalizers of any name, as their users may."""
        meta = _meta(obj)
        if not meta.finalizers or self.resource.group in _EXTENDING:
            return []
        return metadata.check_finalizers(meta, _METADATA)

    def _validate_changed_meta(self, obj: T, old: T) -> Errors:
        return metadata.validate_update(_meta(obj), _meta(old), _METADATA) + self._validate_finalizers(obj)

    def validate_update(self, obj: T, old: T) -> Errors:
        """Everything that is wrong with a change, the unchanged parts included."""
        return [
            *self._validate_changed_meta(obj, old),
            *self.check(obj),
            *self.check_update(obj, old),
        ]

    def warn_update(self, obj: T, old: T, subresource: str = "") -> list[str]:
        """The warnings of a change, through the object itself or a subresource."""
        if subresource == "status":
            return self.status_warnings(obj)
        return self.warnings(obj) if self.update_warnings is None else self.update_warnings(obj, old)

    def validate_status_update(self, obj: T, old: T) -> Errors:
        return [
            *self._validate_changed_meta(obj, old),
            *self.check_status_update(obj, old),
        ]

    def validate_subresource(self, name: str, obj: T, old: T) -> Errors:
        """What is wrong with a change made through a subresource that is neither status nor scale."""
        check = self.check_subresource.get(name)
        return check(obj, old) if check is not None else []

    def served(self) -> Iterator[Served]:
        """This kind at every version, the stored one first."""
        yield Served(self, self.resource, self.served_by_default, None)
        for version in self.versions:
            yield Served(self, version.resource, version.served_by_default, version)


@dataclass(frozen=True)
class Served:
    """A kind at one version: what a path such as /apis/autoscaling/v1/… leads to."""

    kind: Kind[Any]
    resource: Resource
    served_by_default: bool
    version: Version | None = field(repr=False)

    @property
    def is_legacy(self) -> bool:
        """Whether Kubernetes itself serves this version no more."""
        return self.version is not None and self.version.retired is not None

    @property
    def deprecation(self) -> str:
        """What whoever uses this version is told; empty for versions that are not deprecated."""
        if self.version is None:
            return self.kind.deprecation
        retired = self.version.retired
        if retired is None:
            return ""
        other = retired.replacement or self.kind.resource
        return (
            f"{self.resource.api_version} {self.resource.kind} is deprecated in v{retired.deprecated}+, "
            f"unavailable in v{retired.removed}+; use {other.api_version} {other.kind}"
        )

    @cached_property
    def type(self) -> type[Any]:
        """The Struct of this version; loads its module."""
        if self.version is None:
            return self.kind.type
        return _find_type(self.resource) or variant(self.resource, load_type(self.version.like or self.kind.resource))

    def adopt(self, obj: Any) -> Any:
        """A client's object of this version as one of the stored type, with the defaults of both."""
        stored = self.to_stored(self._with_defaults(obj))
        self.kind.default(stored)
        return stored

    def _with_defaults(self, obj: Any) -> Any:
        default = None if self.version is None else self.version.default
        if default is None:
            return obj
        plain: Plain = codec.to_builtins(obj)
        default(plain)
        return codec.from_builtins(self.type, plain)[0]

    def tolerated(self, errors: Sequence[FieldError]) -> Sequence[FieldError]:
        """The errors without those that this version allows."""
        allows = None if self.version is None else self.version.tolerates
        return errors if allows is None else [e for e in errors if not allows(e)]

    def to_stored(self, obj: Any) -> Any:
        """An object of this version as the stored type; the object itself where that is the same."""
        if self.version is None:
            return obj
        return _recast(obj, self.kind.resource, self.kind.type, self.version.to_stored)

    def from_stored(self, obj: Any) -> Any:
        """A stored object as this version's type; the object itself where that is the same."""
        if self.version is None:
            return obj
        return _recast(obj, self.resource, self.type, self.version.from_stored)


def _recast(obj: Any, resource: Resource, cls: type[Any], convert: Callable[[Plain], None] | None) -> Any:
    """A new object of the other version; fields that it does not have are dropped."""
    plain: Plain = codec.to_builtins(obj)
    plain["apiVersion"] = resource.api_version
    if convert is not None:
        convert(plain)
    return codec.from_builtins(cls, plain)[0]


def load_type(resource: Resource) -> type[Any]:
    """The Struct of a resource: apps/v1 Deployment is in kinds.types.apps_v1."""
    found: type[Any] = getattr(import_module(_module(resource)), resource.kind)
    return found


def _module(resource: Resource) -> str:
    group = {"": "core", "internal.apiserver.k8s.io": "apiserverinternal"}.get(resource.group)
    return f"steersman.kinds.types.{group or resource.group.partition('.')[0]}_{resource.version}"


def _find_type(resource: Resource) -> type[Any] | None:
    """The generated Struct, for versions that have fields of their own."""
    module = _module(resource)
    return getattr(import_module(module), resource.kind, None) if find_spec(module) is not None else None


_variants: dict[Resource, type[Any]] = {}
_lists: dict[Resource, type[Any]] = {}


def variant(resource: Resource, cls: type[Any]) -> type[Any]:
    """The Struct of another version that has the same fields: it differs in what it is called."""
    found = _variants.get(resource)
    if found is None:
        namespace = {
            "__module__": _module(resource),
            "__annotations__": {"apiVersion": str},
            "__resource__": resource,
            "apiVersion": msgspec.field(default_factory=lambda: resource.api_version),
        }
        found = _variants[resource] = new_class(
            cls.__name__, (cls,), {"kw_only": True}, lambda body: body.update(namespace)
        )
    return found


def list_type(resource: Resource, cls: type[Any]) -> type[Any]:
    """The Struct of a list of objects of the resource."""
    module = _module(resource)
    found = getattr(import_module(module), f"{resource.kind}List", None) if find_spec(module) is not None else None
    return found or _list_of(resource, cls)


def _no_items() -> list[Any]:
    # Not `list` itself, whose empty lists are left out of what is written.
    return []


def _list_of(resource: Resource, cls: type[Any]) -> type[Any]:
    from steersman.kinds.types.meta_v1 import ListMeta, ListObject

    found = _lists.get(resource)
    if found is None:
        name = f"{resource.kind}List"
        fields: list[tuple[str, Any, Any]] = [
            ("kind", str, msgspec.field(default_factory=lambda: name)),
            ("apiVersion", str, msgspec.field(default_factory=lambda: resource.api_version)),
            ("metadata", ListMeta, msgspec.field(default_factory=ListMeta)),
            ("items", list[cls], msgspec.field(default_factory=_no_items)),  # type: ignore[valid-type]
        ]
        found = _lists[resource] = msgspec.defstruct(
            name, fields, bases=(ListObject,), module=_module(resource), kw_only=True,
            namespace={"__required__": frozenset({"items"})},
        )  # fmt: skip
    return found


def reset_status(obj: Any) -> None:
    """Gives the object the status of a new one."""
    obj.status = type(obj)().status


def _meta(obj: Any) -> Any:
    return obj.metadata


def _set(obj: Any, name: str, old: Any) -> None:
    setattr(obj, name, getattr(old, name))


def _spec_fields(cls: type[Any]) -> list[str]:
    return [n for n in cls.__struct_fields__ if n not in _NOT_SPEC]
