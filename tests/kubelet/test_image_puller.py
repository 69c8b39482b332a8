"""Making images present: policies, back-off, credentials."""

import base64
import json

import pytest
from tests.kubelet.builders import container, pod
from tests.kubelet.test_env import Objects

from steersman.api.clock import FakeClock
from steersman.kubelet.image_puller import ImageProblem, ImagePuller, find_credentials
from steersman.kubelet.runtime.fake import FakeRuntime
from steersman.kubelet.runtime.types import Code, PodSandboxConfig, RuntimeCallError

SANDBOX = PodSandboxConfig(name="p", uid="u", namespace="default")


class World:
    def __init__(self, secrets=None):
        self.clock = FakeClock()
        self.runtime = FakeRuntime(self.clock, "10.1.0.0/24")
        self.puller = ImagePuller(self.runtime, Objects(secrets=secrets), self.clock)
        self.pulls, self.credentials = 0, None

    def _pulling(self):
        self.pulls += 1

    async def ensure(self, image="web:1", policy="IfNotPresent", **spec):
        made = pod([container(image=image, imagePullPolicy=policy)], **spec)
        return await self.puller.ensure(made, made.spec.containers[0], SANDBOX, self._pulling)

    def refuse(self, monkeypatch, times):
        real, left = self.runtime.pull_image, [times]

        async def pull(image, auth=None, sandbox=None):
            self.credentials = auth
            if left[0]:
                left[0] -= 1
                raise RuntimeCallError(Code.NOT_FOUND, "no such image")
            return await real(image, auth, sandbox)

        monkeypatch.setattr(self.runtime, "pull_image", pull)


@pytest.mark.parametrize(
    ("policy", "present", "pulls"),
    [
        ("IfNotPresent", False, 1),
        ("IfNotPresent", True, 0),
        ("Always", True, 1),
        ("Always", False, 1),
        ("Never", True, 0),
    ],
)
async def test_policies(policy, present, pulls):
    world = World()
    if present:
        await world.runtime.pull_image("docker.io/library/web:1")
    found = await world.ensure(policy=policy)
    assert found.image.repo_tags == ("docker.io/library/web:1",)
    assert world.pulls == pulls
    start = "Successfully pulled image" if pulls else "Container image"
    assert found.message.startswith(f'{start} "web:1"')


async def test_never():
    world = World()
    with pytest.raises(ImageProblem) as failed:
        await world.ensure(policy="Never")
    assert (failed.value.reason, failed.value.event) == ("ErrImageNeverPull", "ErrImageNeverPull")
    assert failed.value.message == 'Container image "web:1" is not present with pull policy of Never'


async def test_a_name_that_is_none():
    with pytest.raises(ImageProblem) as failed:
        await World().ensure("UPPER CASE")
    assert failed.value.reason == "InvalidImageName"


async def test_back_off(monkeypatch):
    world = World()
    world.refuse(monkeypatch, 2)
    with pytest.raises(ImageProblem) as failed:
        await world.ensure()
    assert (failed.value.reason, failed.value.event_type) == ("ErrImagePull", "Warning")
    assert failed.value.message == 'Failed to pull image "web:1": no such image'
    await world.clock.advance(9)
    with pytest.raises(ImageProblem) as failed:
        await world.ensure()
    assert (failed.value.reason, failed.value.event_type) == ("ImagePullBackOff", "Normal")
    assert failed.value.message == 'Back-off pulling image "web:1": ErrImagePull: no such image'
    await world.clock.advance(2)
    with pytest.raises(ImageProblem, match="Failed to pull"):
        await world.ensure()
    await world.clock.advance(19)
    with pytest.raises(ImageProblem, match="Back-off"):
        await world.ensure()
    await world.clock.advance(2)
    assert (await world.ensure()).image


async def test_one_pods_back_off_is_forgotten_with_it(monkeypatch):
    world = World()
    world.refuse(monkeypatch, 1)
    with pytest.raises(ImageProblem):
        await world.ensure()
    world.puller.forget("uid-1")
    assert (await world.ensure()).image


def docker_config(**auths):
    return json.dumps({"auths": {k.replace("__", "."): v for k, v in auths.items()}}).encode()


async def test_credentials(monkeypatch):
    config = {".dockerconfigjson": docker_config(registry__example={"username": "me", "password": "secret"})}
    world = World({"pull": config})
    world.refuse(monkeypatch, 0)
    await world.ensure("registry.example/web:1", imagePullSecrets=[{"name": "none"}, {"name": "pull"}])
    assert (world.credentials.username, world.credentials.password) == ("me", "secret")
    await world.ensure("elsewhere.example/web:1", imagePullSecrets=[{"name": "pull"}])
    assert world.credentials is None


@pytest.mark.parametrize(
    ("server", "registry", "found"),
    [
        ("registry.example", "registry.example", True),
        ("https://registry.example/v2/", "registry.example", True),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("registry.example", "other.example", False),
        ("registry.example:5000", "registry.example", False),
    ],
)
def test_which_registry(server, registry, found):
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": {server: {"auth": "eDp5"}}}).encode()).decode()}
    assert bool(find_credentials(data, registry)) == found


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"auths": []}', b'{"auths": {"r": 1}}', b'{"auths": {"r": "x"}}'])
def test_secrets_without_credentials(raw):
    assert find_credentials({".dockerconfigjson": base64.b64encode(raw).decode()}, "r") is None
