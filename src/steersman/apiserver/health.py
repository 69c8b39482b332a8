"""/livez, /readyz, /healthz, /version and /metrics."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from steersman.api.errors import NotFound
from steersman.api.http import Response
from steersman.api.metrics import Counter, Gauge, Metric
from steersman.apiserver import exposition, respond
from steersman.apiserver.context import Context
from steersman.apiserver.negotiation import Accepted

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_ROOTS = ("livez", "readyz", "healthz")
Check = Callable[[], bool]
# Kubernetes' names for the steps of a start, which monitoring asks for one by one. Here all of them are `App.start`.
_START = (
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/start-kube-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-status-available-controller",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "poststarthook/storage-readiness",
    "autoregister-completion",
)


class Health:
    """Answers the paths that tell of the server itself."""

    def __init__(self, app: App) -> None:
        self._app = app
        first: dict[str, Check] = {"ping": lambda: True, "log": lambda: True, "etcd": self.store}
        # A server that is ended because a plugin is down could read nothing when it starts again: it is not told by livez.
        plugins: dict[str, Check] = {} if app.encryption is None else app.encryption.checks()
        # Nobody is answered before the start is done.
        start: dict[str, Check] = dict.fromkeys(_START, lambda: True)
        self._checks: dict[str, dict[str, Check]] = {
            "livez": {**first, **start},
            "readyz": {**first, **plugins, "informer-sync": lambda: app.ready, **start},
            "healthz": {**first, **plugins, **start},
        }
        self._passed = dict.fromkeys(_ROOTS, 0)
        """How often all of a path's checks have passed."""
        self._others: dict[tuple[str, str, bool], int] = {}
        """How often single checks have passed, or not, in other cases: by name and path."""
        self._last: dict[str, dict[str, bool]] = {}
        """What those checks have found that were asked since all have passed, by path and name."""

    def store(self) -> bool:
        """Whether the store has something to tell."""
        return self._app.store.revision > 0

    def get(self, ctx: Context) -> Response | None:
        """The answer, or None for other paths."""
        path = ctx.info.path.strip("/")
        if path == "version":
            return respond.value(200, self.version(), Accepted(pretty=True))
        if path in ("metrics", "metrics/slis"):
            text = exposition.render(self._app) if path == "metrics" else exposition.slis(self)
            return Response(200, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}, text.encode())
        root, _, name = path.partition("/")
        if root not in _ROOTS:
            return None
        if name:
            return self._one(root, name)
        return self._all(ctx, root)

    def _one(self, root: str, name: str) -> Response:
        check = self._checks[root].get(name)
        if check is None:
            raise NotFound.path()
        if check():
            return respond.text(200, "ok")
        return respond.text(500, f"internal server error: {name} check failed")

    def _all(self, ctx: Context, root: str) -> Response:
        excluded = set(ctx.query.all("exclude"))
        lines, failed = [], []
        for name, check in self._checks[root].items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            elif check():
                lines.append(f"[+]{name} ok")
            else:
                lines.append(f"[-]{name} failed: reason withheld")
                failed.append(name)
        self._count(root, excluded, failed)
        if failed:
            return respond.text(500, "\n".join((*lines, f"{root} check failed")) + "\n")
        if not ctx.query.has("verbose"):
            return respond.text(200, "ok")
        return respond.text(200, "\n".join((*lines, f"{root} check passed")) + "\n")

    def _count(self, root: str, excluded: Collection[str], failed: Collection[str]) -> None:
        if not excluded and not failed:
            self._passed[root] += 1
            self._last.pop(root, None)
            return
        last = self._last.setdefault(root, {})
        for name in self._checks[root]:
            if name not in excluded:
                passed = last[name] = name not in failed
                key = name, root, passed
                self._others[key] = self._others.get(key, 0) + 1

    def metrics(self) -> Iterator[Metric]:
        """What checks have found."""
        last = Gauge("kubernetes_healthcheck", "Whether a check has passed when it was last asked.", ("name", "type"))
        total = Counter("kubernetes_healthchecks_total", "Checks by what they have found.", ("name", "type", "status"))
        for root, times in self._passed.items():
            for name in self._checks[root] if times else ():
                total.add(name, root, "success", by=times)
                last.put(1, name, root)
        for (name, root, passed), times in self._others.items():
            total.add(name, root, "success" if passed else "error", by=times)
        for root, found in self._last.items():
            for name, passed in found.items():
                last.put(int(passed), name, root)
        yield from (last, total)

    def version(self) -> dict[str, str]:
        """What /version says."""
        config = self._app.config
        major, minor = config.git_version.removeprefix("v").split(".")[:2]
        return {
            "major": major,
            "minor": minor,
            "gitVersion": config.git_version,
            "gitCommit": config.git_commit,
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": f"python{platform.python_version()}",
            "compiler": sys.implementation.name,
            "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
        }
