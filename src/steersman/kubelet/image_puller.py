"""Makes a container's image present on the node, by its pull policy, with back-off for pulls that fail."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import NotFound
from steersman.client.events import EventType
from steersman.kinds.types.core_v1 import Container, Pod
from steersman.kubelet.backoff import Backoff
from steersman.kubelet.env import ObjectSource
from steersman.kubelet.references import normalize_reference
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import AuthConfig, Image, PodSandboxConfig, RuntimeCallError

_DOCKER_CONFIG_JSON = ".dockerconfigjson"


class ImageProblem(Exception):
    """The image cannot be had now. `reason` is the container's waiting reason, `event` the event's reason."""

    def __init__(self, reason: str, message: str, event: str = "Failed") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.event = event

    @property
    def event_type(self) -> EventType:
        return "Normal" if self.event == "BackOff" else "Warning"


@dataclass(frozen=True, slots=True)
class Pulled:
    """An image that is present, and the event that says how it came."""

    image: Image
    message: str


@dataclass(slots=True)
class ImagePuller:
    """One per node. Pulls of one image by several containers go through the runtime, which shares the work."""

    runtime: Runtime
    objects: ObjectSource
    clock: Clock
    # Told of what came: bytes, and the seconds that it took.
    pulled: Callable[[int, float], None] = lambda size, seconds: None
    backoff: Backoff = field(default_factory=Backoff)
    # When a pull failed last, and why.
    _failures: dict[str, tuple[float, str]] = field(default_factory=dict)

    async def ensure(
        self, pod: Pod, container: Container, sandbox: PodSandboxConfig, pulling: Callable[[], None]
    ) -> Pulled:
        """The image, pulled if its policy says so, after `pulling` was called. Raises ImageProblem."""
        name = container.image or ""
        policy = container.imagePullPolicy or "IfNotPresent"
        try:
            reference = normalize_reference(name)
        except ValueError as error:
            raise ImageProblem(
                "InvalidImageName", f'Failed to apply default image tag "{name}": {error}', "InspectFailed"
            ) from error
        image = await self._present(name, reference)
        if image and policy != "Always":
            return Pulled(image, f'Container image "{name}" already present on machine')
        if policy == "Never":
            raise ImageProblem(
                "ErrImageNeverPull",
                f'Container image "{name}" is not present with pull policy of Never',
                "ErrImageNeverPull",
            )
        return await self._pull(pod, name, reference, sandbox, pulling)

    async def _present(self, name: str, reference: str) -> Image | None:
        try:
            return await self.runtime.image_status(reference)
        except RuntimeCallError as error:
            raise ImageProblem(
                "ImageInspectError", f'Failed to inspect image "{name}": {error.message}', "InspectFailed"
            ) from error

    async def _pull(
        self, pod: Pod, name: str, reference: str, sandbox: PodSandboxConfig, pulling: Callable[[], None]
    ) -> Pulled:
        key = f"{pod.metadata.uid}/{name}"
        now = self.clock.monotonic()
        failed_at, why = self._failures.get(key, (0.0, ""))
        if self.backoff.remaining(key, failed_at, now) > 0:
            raise ImageProblem("ImagePullBackOff", f'Back-off pulling image "{name}": ErrImagePull: {why}', "BackOff")
        pulling()
        auth = await self._credentials(pod, reference)
        try:
            await self.runtime.pull_image(reference, auth, sandbox)
            image = await self.runtime.image_status(reference)
        except RuntimeCallError as error:
            self._failures[key] = (now, error.message)
            self.backoff.next(key, now)
            raise ImageProblem("ErrImagePull", f'Failed to pull image "{name}": {error.message}') from error
        if image is None:
            raise ImageProblem("ErrImagePull", f'Failed to pull image "{name}": it is not there after the pull')
        seconds = self.clock.monotonic() - now
        self.pulled(image.size_bytes, seconds)
        return Pulled(
            image,
            f'Successfully pulled image "{name}" in {seconds:.3f}s ({seconds:.3f}s including waiting). '
            f"Image size: {image.size_bytes} bytes.",
        )

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a pod's failed pulls."""
        self.backoff.forget(uid)
        for key in [k for k in self._failures if k.startswith(uid)]:
            del self._failures[key]

    async def _credentials(self, pod: Pod, reference: str) -> AuthConfig | None:
        registry = reference.split("/", 1)[0]
        for secret_ref in pod.spec.imagePullSecrets or []:
            try:
                secret = await self.objects.secret(pod.metadata.namespace, secret_ref.name)
            except NotFound:
                continue
            auth = find_credentials(secret.data or {}, registry)
            if auth:
                return auth
        return None


def find_credentials(data: Mapping[str, str], registry: str) -> AuthConfig | None:
    """Credentials for the registry in a `kubernetes.io/dockerconfigjson` Secret's data (values in base64)."""
    raw = data.get(_DOCKER_CONFIG_JSON)
    if not raw:
        return None
    try:
        auths = msgspec.json.decode(base64.b64decode(raw))["auths"]
        for server, entry in auths.items():
            host = server.removeprefix("https://").removeprefix("http://").split("/", 1)[0]
            if host == registry or (registry == "docker.io" and host.endswith("docker.io")):
                return AuthConfig(
                    username=entry.get("username", ""),
                    password=entry.get("password", ""),
                    auth=entry.get("auth", ""),
                    server_address=server,
                )
    except (ValueError, KeyError, AttributeError, TypeError):
        # A Secret that is no docker configuration has no credentials to offer.
        return None
    return None
