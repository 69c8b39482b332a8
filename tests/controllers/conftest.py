"""A real API server over the memory store in this process, and controllers at work on it by a clock that tests drive."""

import asyncio
from functools import partial

import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.server import App
from steersman.client.informer import InformerFactory
from steersman.client.rest import Client
from steersman.client.transport import InProcess
from steersman.controller.manager import Manager
from steersman.kinds.types.core_v1 import ContainerStatus, Pod, PodCondition
from steersman.store.backends.memory import BACKEND

MASTER = User("system:admin", ("system:masters", "system:authenticated"))
MANAGER = User("system:kube-controller-manager", ("system:authenticated",))
ACCOUNTS = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
TURNS = 5000
# The APIService of a group whose server nobody reaches.
AWAY = {
    "group": "away.io",
    "version": "v1",
    "groupPriorityMinimum": 1000,
    "versionPriority": 10,
    "insecureSkipTLSVerify": True,
    "service": {"namespace": "default", "name": "nobody"},
}


class World:
    """`client` is an administrator; `start` runs controllers; `settle` lets everything happen that needs no time."""

    def __init__(self, clock, app):
        self.clock = clock
        self.app = app
        self.client = Client(InProcess(app.handle, MASTER))
        self.refused = []
        self.manager = None
        self._tasks = []

    def spawn(self, work):
        self._tasks.append(asyncio.ensure_future(work))

    async def close(self):
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.app.close()
        await self.app.store.close()
        for error in ended:
            if not isinstance(error, asyncio.CancelledError):
                raise error
        if self.manager is not None:
            self.manager.informers.check_unchanged()
        assert not self.refused, "a controller's role does not let it work"

    def client_for(self, user):
        """As a part of the system works: with the rights of its own roles, which must be enough for all that it does."""
        return Client(InProcess(partial(self._handle, user), user))

    async def _handle(self, user, request):
        response = await self.app.handle(request)
        if response.status == 401 or (response.status == 403 and b" cannot " in response.body):
            self.refused.append((user.name, response.body))
        return response

    def client_as(self, account):
        return self.client_for(User(f"system:serviceaccount:kube-system:{account}", ACCOUNTS))

    async def start(self, *modules, config=None):
        controllers = [module.CONTROLLER for module in modules]
        client = self.client_for(MANAGER)
        self.manager = Manager(
            client,
            controllers,
            self.clock,
            config,
            informers=InformerFactory(client, self.clock, verify=True),
            client_as=self.client_as,
        )
        self.spawn(self.manager.run())
        await self.until(lambda: all(r.started.is_set() for r in self.manager._running), "start of controllers")
        await self.settle()

    async def settle(self):
        """Until all queues have been empty for a while and nothing changes in the store."""
        quiet, before = 0, None
        for _ in range(TURNS):
            await asyncio.sleep(0)
            self._check()
            now = self.app.store.revision
            quiet = quiet + 1 if self.manager.idle and now == before else 0
            before = now
            if quiet > 60:
                return
        raise AssertionError("the controllers do not come to rest")

    async def until(self, condition, what):
        for _ in range(TURNS):
            if condition():
                return
            await asyncio.sleep(0)
            self._check()
        raise AssertionError(f"did not happen: {what}")

    def _check(self):
        for task in self._tasks:
            if task.done():
                task.result()

    async def pass_time(self, seconds):
        await self.clock.advance(seconds, turns=50)
        await self.settle()

    async def all(self, type_, namespace="default", **selectors):
        return (await self.client.list(type_, namespace, **selectors)).items

    async def events(self, reason, namespace="default"):
        from steersman.kinds.types.core_v1 import Event

        return [e for e in await self.all(Event, namespace) if e.reason == reason]

    async def run_pod(self, pod, *, ready=True, phase="Running", node=""):
        """Play the kubelet: the pod runs (or has finished)."""
        if node and not pod.spec.nodeName:
            await self.client.bind(pod.metadata.namespace, pod.metadata.name, node)
        pod = await self.client.get(Pod, pod.metadata.name, pod.metadata.namespace)
        pod.status.phase = phase
        stamp = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        pod.status.conditions = [
            PodCondition(type="Ready", status="True" if ready else "False", lastTransitionTime=stamp)
        ]
        pod.status.podIP = pod.status.podIP or f"10.1.0.{sum(pod.metadata.uid.encode()) % 250 + 1}"
        pod.status.containerStatuses = [
            ContainerStatus(name=c.name, ready=ready, image=c.image, imageID=c.image) for c in pod.spec.containers
        ]
        return await self.client.update_status(pod)

    async def run_pods(self, labels="", **options):
        """All pods of the default namespace that are not running yet run."""
        for pod in await self.all(Pod, labels=labels):
            if pod.status.phase == "Pending" and not pod.metadata.deletionTimestamp:
                await self.run_pod(pod, **options)
        await self.settle()

    async def end_pods(self):
        """Terminating pods are gone, as after their kubelet has stopped them."""
        for pod in await self.all(Pod):
            if pod.metadata.deletionTimestamp:
                await self.client.delete(Pod, pod.metadata.name, pod.metadata.namespace, grace=0)
        await self.settle()


@pytest.fixture
async def world():
    clock = FakeClock()
    app = App(BACKEND.open("", clock), clock)
    await app.start()
    world = World(clock, app)
    world.spawn(app.run())
    yield world
    await world.close()


def template(**labels):
    """A pod template with one container."""
    return {
        "metadata": {"labels": labels or {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "web:1"}]},
    }


@pytest.fixture
def make():
    """`make(Type, name, **fields)`: an object from plain fields."""
    from steersman.api import codec

    def build(type_, name, namespace="default", meta=None, **fields):
        metadata = {"name": name, "namespace": namespace, **(meta or {})}
        if not type_.__resource__.namespaced:
            del metadata["namespace"]
        obj, problems = codec.from_builtins(type_, {"metadata": metadata, **fields})
        assert not problems
        return obj

    return build
