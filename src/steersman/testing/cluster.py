"""`Cluster`: API server, controllers, scheduler and simulated nodes as tasks of the test's own event loop."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from steersman.api import codec, identities
from steersman.api.clock import Clock, FakeClock, RealClock
from steersman.api.errors import NotFound
from steersman.api.http import User
from steersman.apiserver.admission import selection
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.client.rest import ApiObject, Client
from steersman.client.transport import InProcess
from steersman.kinds import catalog
from steersman.kinds.types.core_v1 import Node, ServiceAccount
from steersman.store.backends.memory import BACKEND
from steersman.store.compaction import Policy, keep_compacted
from steersman.testing import parts
from steersman.testing.accounts import LazyTokens
from steersman.testing.conditions import Condition, describe, has_condition, predicate
from steersman.testing.importing import quickly
from steersman.testing.manifests import documents
from steersman.testing.waiting import TURNS, Waiter

if TYPE_CHECKING:
    from steersman.controller.config import ControllerConfig
    from steersman.controller.declaration import Controller
    from steersman.kubelet.simulation import SimulatedNodes, Simulation
    from steersman.testing.serving import Served

T = TypeVar("T", bound=ApiObject)
R = TypeVar("R")

_AUTHENTICATED = (identities.AUTHENTICATED,)
# Only what never happens takes as long, however busy the machine is.
TIMEOUT = 60.0
# Admission that is in the way while the controller that it counts on does not run.
_COUNTS_ON = {"TaintNodesByCondition": "nodelifecycle", "ServiceAccount": "serviceaccount"}


class Cluster:
    """A real control plane in this process: `async with Cluster(nodes=3) as cluster: …`.

    Inside the block the API answers, nodes are Ready and pods can be created in the default namespace. The end of the block
    ends every task. When a part has failed, its error ends whatever waits, and the block.

    * `nodes`: how many simulated nodes (`node-0`, …), or a `kubelet.simulation.SimulatedNodes`. Their pods run in the fake
      runtime: containers run until stopped, those that are meant to end do so with exit code 0 after a second.
    * `controllers`: True for all, False for none, or the names of some (`("deployment", "replicaset")`). Admission that
      only works with a controller that was left out (service accounts, the not-ready taint of nodes) is left out too.
    * `scheduler`: False leaves pods unplaced.
    * `clock`: the machine's by default. With a `FakeClock`, time stands still except for `advance` and while something is
      waited for.
    * `port`: True serves HTTPS from the start; `served` then says where. Otherwise there is no socket at all.

    `client` is an administrator, `app` the API server, `client_for` any user.
    """

    app: App
    client: Client

    def __init__(
        self,
        nodes: int | SimulatedNodes = 1,
        *,
        controllers: bool | Iterable[str] = True,
        scheduler: bool = True,
        clock: Clock | None = None,
        port: bool = False,
        config: ServerConfig | None = None,
        controller_config: ControllerConfig | None = None,
    ) -> None:
        self.clock: Clock = clock if clock is not None else RealClock()
        self.served: Served | None = None
        self._nodes = nodes
        with quickly():
            parts.load(controllers=bool(controllers), scheduler=scheduler, nodes=bool(nodes))
            self._catalog = catalog.load()
            self._controllers: Sequence[Controller] = parts.controllers(controllers)
        self._names = frozenset(c.name for c in self._controllers)
        self._with_scheduler = scheduler
        self._with_port = port
        self._config = config
        self._controller_config = controller_config
        self._tokens = LazyTokens()
        self._ready = asyncio.Event()
        self._end = asyncio.Event()
        self._resources = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None
        self._waiter: Waiter

    # Life.

    async def __aenter__(self) -> Self:
        if self._task is not None:
            raise RuntimeError("a Cluster can be entered only once")
        self._task = task = asyncio.ensure_future(self._run())
        ready = asyncio.ensure_future(self._ready.wait())
        try:
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._stop(task)
            raise
        finally:
            ready.cancel()
        if task.done():
            task.result()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None:
            return
        await self._stop(self._task)
        if error is None:
            self._task.result()

    async def _stop(self, task: asyncio.Task[None]) -> None:
        self._end.set()
        if not self._ready.is_set():
            task.cancel()
        await asyncio.wait((task,))

    async def _run(self) -> None:
        """All that runs, under one parent: the first failure ends everything."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        async with self._resources as resources:
            store = BACKEND.open("", self.clock)
            resources.push_async_callback(store.close)
            plugins = self._config.admission if self._config is not None else None
            self.app = App(
                store,
                self.clock,
                self._config,
                catalog=self._catalog,
                admission=[a for a in selection.select(plugins) if _COUNTS_ON.get(a.name, "") in ("", *self._names)],
                service_accounts=self._tokens,
            )
            resources.push_async_callback(self.app.close)
            await self.app.start()
            self.client = self.client_for("system:admin", (identities.MASTERS,))
            if self._with_port:
                await self.serve()
            async with asyncio.TaskGroup() as group:
                kubelets = self.client_for("system:steersman-simulation", _AUTHENTICATED)
                simulation = parts.simulation(self._nodes, kubelets, self.clock)
                running = [group.create_task(part) for part in self._parts(simulation)]
                self._waiter = Waiter(store, self.clock, task)
                await self._wait_ready(simulation)
                self._ready.set()
                await self._end.wait()
                for task in running:
                    task.cancel()

    def _parts(self, simulation: Simulation | None) -> Iterable[Coroutine[Any, Any, None]]:
        yield self.app.run()
        yield keep_compacted(self.app.store, self.clock, Policy())
        if self._controllers:
            ca = self.served.ca if self.served is not None else ""
            yield parts.run_controllers(
                self.client_for("system:kube-controller-manager", _AUTHENTICATED),
                self._account,
                self.clock,
                self._controllers,
                self._controller_config,
                self._tokens.sign,
                ca,
            )
        if self._with_scheduler:
            yield parts.run_scheduler(self.client_for("system:kube-scheduler", _AUTHENTICATED), self.clock)
        if simulation is not None:
            yield simulation.run()

    async def _wait_ready(self, simulation: Simulation | None) -> None:
        """Until pods can be created and placed."""
        if simulation is not None:
            await simulation.wait_ready()
            await self.wait_for(lambda: self._nodes_ready(len(simulation.kubelets)), "nodes are Ready")
        if _COUNTS_ON["ServiceAccount"] in self._names:
            await self.wait(ServiceAccount, "default", lambda _: True)

    def _nodes_ready(self, count: int) -> bool:
        nodes = self.app.registries.list(Node)
        return sum(has_condition("Ready")(n) and not n.spec.taints for n in nodes) >= count

    async def serve(self, port: int = 0) -> Served:
        """Serve the API by HTTPS on 127.0.0.1 until the end of the block, for other programs (kubectl, another client)."""
        if self.served is not None:
            return self.served
        from steersman.apiserver.requestinfo import is_proxied
        from steersman.http.server import HTTPServer
        from steersman.http.tls import server_tls
        from steersman.testing.serving import Credentials

        directory = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="steersman-testing-"))
        credentials = Credentials.make(Path(directory), datetime.now(UTC))
        files = (str(credentials.path(name)) for name in ("apiserver.crt", "apiserver.key", "ca.crt"))
        server = HTTPServer(self.app.handle, streamed=is_proxied)
        self._resources.push_async_callback(server.close)
        self.served = credentials.served(await server.start(("127.0.0.1",), port, server_tls(*files)))
        return self.served

    # Using.

    def _account(self, name: str) -> Client:
        """The client of a controller's service account."""
        groups = (*identities.service_account_groups("kube-system"), *_AUTHENTICATED)
        return self.client_for(identities.service_account("kube-system", name), groups)

    def client_for(self, name: str, groups: Iterable[str] = ()) -> Client:
        """A client that is the user `name`, member of `groups`; what it may do, RBAC decides."""
        return Client(InProcess(self.app.handle, User(name, (*groups,))))

    async def create(self, *manifests: str | Mapping[str, Any], namespace: str = "default") -> list[Any]:
        """Create objects from manifests: mappings, or YAML texts of any number of documents.

        Namespaced objects that name no namespace go to `namespace`. Returns the objects as they were stored.
        """
        return [await self._create(plain, namespace) for plain in documents(manifests)]

    async def _create(self, plain: Mapping[str, Any], namespace: str) -> Any:
        group, _, version = str(plain.get("apiVersion", "")).rpartition("/")
        served = self.app.catalog.find_kind(group, version, str(plain.get("kind", "")))
        if served is None:
            raise ValueError(f"no kind {plain.get('kind')!r} in {plain.get('apiVersion')!r}")
        own = str((plain.get("metadata") or {}).get("namespace") or namespace)
        path = served.resource.path(own if served.resource.namespaced else "")
        return codec.decode(served.type, await self.client.answer("POST", path, body=dict(plain)))

    async def advance(self, seconds: float) -> None:
        """Move a FakeClock on, and let everything happen that then does."""
        if not isinstance(self.clock, FakeClock):
            raise TypeError("only a FakeClock can be advanced")
        await self.clock.advance(seconds, TURNS)
        await self._waiter.settle()

    async def settle(self) -> None:
        """Until nothing has been written for a good many turns of the event loop."""
        await self._waiter.settle()

    # Waiting.

    async def wait(
        self,
        type_: type[T],
        name: str,
        condition: Condition,
        namespace: str = "default",
        *,
        timeout: float = TIMEOUT,
    ) -> T:
        """Until the object exists and meets the condition (a function of it, or a condition type); returns the object.

        `timeout` is in seconds of the cluster's clock. TimeoutError tells the object's last status.
        """
        holds, last = predicate(condition), cast("T | None", None)

        async def look() -> T | None:
            nonlocal last
            last = await self.find(type_, name, namespace)
            return last if last is not None and holds(last) else None

        def why() -> str:
            return (
                "it does not exist" if last is None else f"status: {codec.to_builtins(getattr(last, 'status', None))}"
            )

        what = f"{type_.__resource__.kind} {name}: {describe(condition)}"
        return cast("T", await self._waiter.wait(look, what, timeout, why))

    async def wait_gone(
        self, type_: type[ApiObject], name: str, namespace: str = "default", *, timeout: float = TIMEOUT
    ) -> None:
        """Until there is no such object."""
        what = f"{type_.__resource__.kind} {name} is gone"

        async def gone() -> bool:
            return await self.find(type_, name, namespace) is None

        await self._waiter.wait(gone, what, timeout)

    async def wait_list(
        self,
        type_: type[T],
        condition: Callable[[list[T]], object],
        namespace: str = "",
        labels: str = "",
        *,
        timeout: float = TIMEOUT,
    ) -> list[T]:
        """Until the objects of a namespace (of all without one) with those labels meet the condition; returns them."""
        found: list[T] = []

        async def look() -> bool:
            found[:] = (await self.client.list(type_, namespace, labels)).items
            return bool(condition(found))

        what = f"{type_.__resource__.plural}: {describe(condition)}"
        await self._waiter.wait(look, what, timeout, lambda: f"there are {len(found)}")
        return found

    async def wait_for(
        self, look: Callable[[], Awaitable[R] | R], what: str = "what was waited for", *, timeout: float = TIMEOUT
    ) -> R:
        """Until `look`, a plain function or a coroutine function, gives something true; returns that.

        It is asked again whenever something in the store has changed.
        """

        async def asked() -> R:
            found = look()
            return await found if inspect.isawaitable(found) else found

        return await self._waiter.wait(asked, what, timeout)

    async def find(self, type_: type[T], name: str, namespace: str = "default") -> T | None:
        """The object as it is now, or None."""
        try:
            return await self.client.get(type_, name, namespace)
        except NotFound:
            return None
