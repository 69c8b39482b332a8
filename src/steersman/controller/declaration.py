"""What a controller says about itself, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from steersman.api.clock import Clock
from steersman.client.events import EventRecorder
from steersman.client.informer import InformerFactory, key_of
from steersman.client.rest import ApiObject, Client
from steersman.client.workqueue import WorkQueue
from steersman.controller.config import ControllerConfig
from steersman.controller.ownership import controller_of

T = TypeVar("T", bound=ApiObject)


@dataclass(frozen=True, slots=True)
class Context:
    """What a reconciler works with. Informers are shared by all controllers of the process; the queue is its own."""

    client: Client
    clock: Clock
    informers: InformerFactory
    recorder: EventRecorder
    queue: WorkQueue[str]
    config: ControllerConfig


class NotYet(Exception):
    """A reconcile cannot go on for a reason that is no fault of the program: it is tried again, and logged in one line."""


class Reconciler(Protocol):
    """Makes the world agree with one object.

    `reconcile` is called with the object's key, never twice at once with the same one, whenever something about it may have
    changed; it reads the world again (level, not edge) and may be called for an object that is gone. It answers with the
    seconds after which it wants to be called again, or None. An exception means: again, later each time.
    """

    async def reconcile(self, key: str) -> float | None: ...


@runtime_checkable
class Background(Protocol):
    """A reconciler with work of its own besides: `run` runs as long as the workers do."""

    async def run(self) -> None: ...


Mapper = Callable[[Context, T], Iterable[str]]


def _always(old: Any, new: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Watch(Generic[T]):
    """Events of `type` concern the keys that `keys` gives; of a change both the old and the new object are asked.

    Changes for which `changed(old, new)` is false are ignored. `keys` None: the type is only read, not reacted to.
    `fields` narrows the collection; the reconciler must ask for the informer with the same.
    """

    type: type[T]
    keys: Mapper[T] | None
    changed: Callable[[T, T], bool] = _always
    fields: str = ""


def own(type_: type[T], changed: Callable[[T, T], bool] = _always) -> Watch[T]:
    """The controller's own kind: an object concerns itself."""
    return Watch(type_, lambda _, obj: (key_of(obj),), changed)


def owned(type_: type[T], owner: type[ApiObject], changed: Callable[[T, T], bool] = _always) -> Watch[T]:
    """A kind whose objects concern the object of kind `owner` that controls them."""
    resource = owner.__resource__

    def keys(_: Context, obj: T) -> Iterable[str]:
        ref = controller_of(obj)
        if ref is None or ref.kind != resource.kind or ref.apiVersion.partition("/")[0] != _group(resource.api_version):
            return ()
        return (f"{obj.metadata.namespace}/{ref.name}",)

    return Watch(type_, keys, changed)


def mapped(type_: type[T], keys: Mapper[T], changed: Callable[[T, T], bool] = _always, fields: str = "") -> Watch[T]:
    """A kind whose objects concern what `keys` says."""
    return Watch(type_, keys, changed, fields)


def read(type_: type[T], fields: str = "") -> Watch[T]:
    """A kind that is read and must be in sync before the first reconcile."""
    return Watch(type_, None, fields=fields)


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller. Each module of the controllers package exports one as CONTROLLER.

    `component` is the name in Events; `name` with `-controller` by default. `account` is the service account in kube-system
    as which it asks and writes; without one it does so as the controller manager itself. Informers are the manager's.
    """

    name: str
    reconciler: Callable[[Context], Reconciler]
    watches: tuple[Watch[Any], ...] = ()
    workers: int = 1
    component: str = ""
    account: str = ""

    @property
    def source(self) -> str:
        return self.component or f"{self.name}-controller"


def _group(api_version: str) -> str:
    return api_version.partition("/")[0]
