"""What the kubelet counts while it works, by the names of Kubernetes' own: additions only, and figures when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from steersman.api.clock import Clock
from steersman.api.metrics import SECONDS, Counter, Gauge, Histogram, Registry, exponential
from steersman.kubelet.pod_plan import Role

_STARTUP = (
    0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
)  # fmt: skip
_PULL = (1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600)
_MIB, _GIB = 1 << 20, 1 << 30
_IMAGE_SIZES = (
    (100 * _GIB, "GT100GB"), (60 * _GIB, "60GB-100GB"), (40 * _GIB, "40GB-60GB"), (30 * _GIB, "30GB-40GB"),
    (20 * _GIB, "20GB-30GB"), (10 * _GIB, "10GB-20GB"), (5 * _GIB, "5GB-10GB"), (_GIB, "1GB-5GB"),
    (500 * _MIB, "500MB-1GB"), (100 * _MIB, "100MB-500MB"), (10 * _MIB, "10MB-100MB"), (0, "0-10MB"),
)  # fmt: skip
_OUT_OF = frozenset({"OutOfcpu", "OutOfmemory", "OutOfephemeral-storage", "OutOfpods"})
_OPERATION = ("operation_type",)
_REQUEST = ("method", "path", "server_type", "long_running")
_PROBE = ("probe_type", "result", "container", "pod", "namespace", "pod_uid")
_KINDS = {Role.INIT: "init_container", Role.SIDECAR: "init_container", Role.EPHEMERAL: "ephemeral_container"}


class Instruments:
    """The counters of one kubelet; simulated ones of a process share theirs. Everything is synchronous and cheap."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._relisted: float | None = None
        self.registry, self.probes, self.slis = Registry(), Registry(), Registry()
        self._count_server()
        self._count_pods()
        self._count_runtime()
        self._count_probes()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return self.registry.add(Counter(f"kubelet_{name}", text, labels))

    def _seconds(self, name: str, text: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> Histogram:
        return self.registry.add(Histogram(f"kubelet_{name}_seconds", text, labels, bounds))

    def _count_server(self) -> None:
        """Requests to and of the kubelet, and its health."""
        self.requests = self._counter(
            "http_requests_total", "Number of the http requests received since the server started", *_REQUEST
        )
        self.request_seconds = self._seconds(
            "http_requests_duration", "Duration in seconds to serve http requests", *_REQUEST
        )
        self.requests_now = self.registry.add(
            Gauge("kubelet_http_inflight_requests", "Number of the inflight http requests", _REQUEST)
        )
        self.api_requests = self.registry.add(
            Counter(
                "rest_client_requests_total",
                "Number of HTTP requests, partitioned by status code, method, and host.",
                ("code", "method", "host"),
            )
        )
        self.api_seconds = self.registry.add(
            Histogram(
                "rest_client_request_duration_seconds",
                "Request latency in seconds. Broken down by verb, and host.",
                ("verb", "host"),
                (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0),
            )
        )
        self.healthy = self.slis.add(
            Gauge("kubernetes_healthcheck", "This metric records the result of a single healthcheck.", ("name", "type"))
        )
        self.checked = self.slis.add(
            Counter(
                "kubernetes_healthchecks_total",
                "This metric records the results of all healthcheck.",
                ("name", "status", "type"),
            )
        )

    def _count_pods(self) -> None:
        """Pods and their containers."""
        self.admission_refusals = self._counter(
            "admission_rejections_total", "Cumulative number pod admission rejections by the Kubelet.", "reason"
        )
        self.cgroups = self._seconds(
            "cgroup_manager_duration",
            "Duration in seconds for cgroup manager operations. Broken down by method.",
            *_OPERATION,
        )
        self.pod_sizes = self.registry.add(
            Histogram("kubelet_containers_per_pod_count", "The number of containers per pod.", (), exponential(1, 2, 5))
        )
        self.pod_start = self._seconds(
            "pod_start_duration",
            "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
            bounds=_STARTUP,
        )
        self.pod_start_total = self._seconds(
            "pod_start_total_duration",
            "Duration in seconds from a pod's creation to its starting to run, pulls of images and init containers included",
            bounds=_STARTUP,
        )
        self.turns = self._seconds(
            "pod_worker_duration",
            "Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
            *_OPERATION,
        )
        self.worker_start = self._seconds(
            "pod_worker_start_duration", "Duration in seconds from kubelet seeing a pod to starting a worker."
        )
        self.pods = self._counter("started_pods_total", "Cumulative number of pods started")
        self.pod_errors = self._counter("started_pods_errors_total", "Cumulative number of errors when starting pods")
        self.containers = self._counter(
            "started_containers_total", "Cumulative number of containers started", "container_type"
        )
        self.container_errors = self._counter(
            "started_containers_errors_total",
            "Cumulative number of errors when starting containers",
            "container_type",
            "code",
        )

    def _count_runtime(self) -> None:
        """What is asked of the runtime."""
        self.pulls = self._seconds(
            "image_pull_duration", "Duration in seconds to pull an image.", "image_size_in_bytes", bounds=_PULL
        )
        self.orphans = self._counter(
            "orphaned_runtime_pods_total",
            "Number of pods that have been detected in the container runtime without being already known to the pod worker.",
        )
        self.relists = self._seconds("pleg_relist_duration", "Duration in seconds for relisting pods in PLEG.")
        self.relist_intervals = self._seconds("pleg_relist_interval", "Interval in seconds between relisting in PLEG.")
        self.relist_seen = self.registry.add(
            Gauge("kubelet_pleg_last_seen_seconds", "Timestamp in seconds when PLEG was last seen active.")
        )
        self.sandboxes = self._seconds(
            "run_podsandbox_duration",
            "Duration in seconds of the run_podsandbox operations. Broken down by RuntimeClass.Handler.",
            "runtime_handler",
        )
        self.sandbox_errors = self._counter(
            "run_podsandbox_errors_total",
            "Cumulative number of the run_podsandbox operation errors by RuntimeClass.Handler.",
            "runtime_handler",
        )
        self.runtime = self._counter(
            "runtime_operations_total", "Cumulative number of runtime operations by operation type.", *_OPERATION
        )
        self.runtime_seconds = self._seconds(
            "runtime_operations_duration",
            "Duration in seconds of runtime operations. Broken down by operation type.",
            *_OPERATION,
            bounds=exponential(0.005, 2.5, 14),
        )
        self.runtime_errors = self._counter(
            "runtime_operations_errors_total",
            "Cumulative number of runtime operation errors by operation type.",
            *_OPERATION,
        )

    def _count_probes(self) -> None:
        """What probes find."""
        self.probed = self.probes.add(
            Counter(
                "prober_probe_total",
                "Cumulative number of a liveness, readiness or startup probe for a container by result.",
                _PROBE,
            )
        )
        self.probe_seconds = self.probes.add(
            Histogram(
                "prober_probe_duration_seconds", "Duration in seconds for a probe response.", (_PROBE[0], *_PROBE[2:5])
            )
        )

    def now(self) -> float:
        return self._clock.monotonic()

    @contextmanager
    def timed(self, histogram: Histogram, *labels: str) -> Iterator[None]:
        """How long something takes, whether it goes well or not."""
        began = self.now()
        try:
            yield
        finally:
            histogram.observe(self.now() - began, *labels)

    def called(self, operation: str, began: float, *, failed: bool) -> None:
        """A call of the runtime that began then has come to its end."""
        self.runtime.add(operation)
        self.runtime_seconds.observe(self.now() - began, operation)
        if failed:
            self.runtime_errors.add(operation)

    @contextmanager
    def relisting(self) -> Iterator[None]:
        """One look at everything that the runtime has."""
        began = self.now()
        if self._relisted is not None:
            self.relist_intervals.observe(began - self._relisted)
        self._relisted = began
        self.relist_seen.put(int(self._clock.time()))
        try:
            yield
        finally:
            self.relists.observe(self.now() - began)

    @contextmanager
    def sandboxing(self) -> Iterator[None]:
        """The making of a pod's sandbox, which every start of a pod is."""
        self.pods.add()
        try:
            with self.timed(self.sandboxes, ""):
                yield
        except Exception:
            self.sandbox_errors.add("")
            self.pod_errors.add()
            raise

    def check(self, name: str, healthy: bool) -> None:
        """The kubelet was asked how it is."""
        self.healthy.put(int(healthy), name, "healthz")
        self.checked.add(name, "success" if healthy else "error", "healthz")

    def refused(self, reason: str) -> None:
        """A pod was not admitted. Resources have any names, and those that nobody knows are told as one."""
        extended = reason.startswith("OutOf") and reason not in _OUT_OF
        self.admission_refusals.add("OutOfExtendedResources" if extended else reason)

    def starting(self, role: Role) -> None:
        """A container is about to be started."""
        self.containers.add(_kind(role))

    def not_started(self, role: Role, reason: str) -> None:
        """It was not, and why."""
        self.container_errors.add(_kind(role), reason)

    def pulled(self, size: int, seconds: float) -> None:
        """An image of so many bytes has come."""
        self.pulls.observe(seconds, next(label for least, label in _IMAGE_SIZES if size >= least))

    def probe(self, kind: str, result: str, names: tuple[str, str, str, str], seconds: float) -> None:
        """A probe has been made; `names` are container, pod, namespace and the pod's uid."""
        self.probed.add(kind, result, *names)
        if result != "failed":
            self.probe_seconds.observe(seconds, kind, *names[:3])

    def forget_probes(self, kind: str, names: tuple[str, str, str, str]) -> None:
        """Nobody probes it any more; its figures would stay for ever."""
        for result in ("successful", "failed", "unknown"):
            self.probed.values.pop((kind, result, *names), None)
        self.probe_seconds.samples.pop((kind, *names[:3]), None)


def _kind(role: Role) -> str:
    return _KINDS.get(role, "container")
