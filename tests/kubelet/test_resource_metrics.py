"""What Prometheus and metrics-server read of containers, pods and the node."""

from prometheus_client.parser import text_string_to_metric_families
from tests.kubelet.builders import SECOND, UID, container, pod

from steersman.kubelet import cadvisor_metrics, resource_metrics
from steersman.kubelet.accounting import Interface, Usage
from steersman.kubelet.observation import ContainerUse, Observation, PodUse
from steersman.kubelet.runtime import types as rt

USAGE = Usage(
    cpu=2 * SECOND, cpu_user=SECOND, memory=1000, working_set=800, rss=400, swap=0, memory_limit=5000, faults=7,
    quota=10_000, period=100_000, periods=3, throttled=SECOND // 2, ooms=1, processes=4, reads={"8:0": (5, 50)},
)  # fmt: skip
ETH0 = Interface(
    name="eth0",
    rx_bytes=1,
    rx_packets=2,
    rx_errors=3,
    rx_dropped=4,
    tx_bytes=5,
    tx_packets=6,
    tx_errors=7,
    tx_dropped=8,
)
AT = 1_700_000_000.25


def seen():
    sandbox = rt.PodSandbox(
        id="s", name="p", uid=UID, namespace="default", attempt=0, state=rt.SandboxState.READY, created_at=90 * SECOND
    )
    running = rt.Container(
        id="c1", pod_sandbox_id="s", name='c"\\', attempt=0, image="sha256:1", image_ref="", state=rt.ContainerState.RUNNING,
        created_at=100 * SECOND + SECOND // 2,
    )  # fmt: skip
    use = ContainerUse(running, "/kubepods/pod/c1", USAGE)
    made = pod([container('c"\\')])
    pods = [PodUse(made, sandbox, "/kubepods/pod", USAGE, [use], [ETH0], Usage(cpu=SECOND))]
    return Observation(AT, Usage(cpu=9 * SECOND, working_set=9000), pods, {"/kubepods": USAGE}, [ETH0])


def samples(text):
    """By name: the samples, and the family's type."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def test_what_metrics_server_reads():
    found = samples(resource_metrics.render(seen()))
    names = {"container": 'c"\\', "pod": "p", "namespace": "default"}
    for name, value in (
        ("container_cpu_usage_seconds_total", 2.0),
        ("container_memory_working_set_bytes", 800),
        ("container_start_time_seconds", 100.5),
        ("container_swap_usage_bytes", 0),
    ):
        (sample,) = found[name]
        assert (sample.labels, sample.value) == (names, value), name
        # The start does not change with time.
        assert sample.timestamp == (None if "start" in name else AT)
    for name, value in (("pod_cpu_usage_seconds_total", 2.0), ("pod_memory_working_set_bytes", 800)):
        (sample,) = found[name]
        assert (sample.labels, sample.value, sample.timestamp) == ({"pod": "p", "namespace": "default"}, value, AT)
    for name, value in (("node_cpu_usage_seconds_total", 9.0), ("node_memory_working_set_bytes", 9000)):
        (sample,) = found[name]
        assert (sample.labels, sample.value, sample.timestamp) == ({}, value, AT)
    # Nothing is made up: the node's kernel said nothing of it.
    assert "node_swap_usage_bytes" not in found
    assert [found[name][0].value for name in ("resource_scrape_error", "scrape_error")] == [0, 0]


def test_without_a_runtime():
    found = samples(resource_metrics.render(None))
    assert {name: s[0].value for name, s in found.items()} == {"resource_scrape_error": 1, "scrape_error": 1}
    found = samples(cadvisor_metrics.render(None, 2, 1 << 30))
    assert found["container_scrape_error"][0].value == 1
    assert found["machine_cpu_cores"][0].value == 2


def test_what_dashboards_read():
    layer = rt.FilesystemUsage(timestamp=1, mountpoint="/", used_bytes=123, inodes_used=4)
    disks = [rt.ContainerStats(id="c1", name="c", writable_layer=layer)]
    found = samples(cadvisor_metrics.render(seen(), 2, 1 << 30, disks))
    labels = {
        "container": 'c"\\', "id": "/kubepods/pod/c1", "image": 'c"\\:1', "name": "c1", "namespace": "default", "pod": "p",
    }  # fmt: skip

    def of_container(name, **more):
        return next(s for s in found[name] if s.labels == {**labels, **more})

    for name, value in (
        ("container_memory_working_set_bytes", 800),
        ("container_memory_usage_bytes", 1000),
        ("container_memory_rss", 400),
        ("container_cpu_cfs_periods_total", 3),
        ("container_cpu_cfs_throttled_seconds_total", 0.5),
        ("container_spec_memory_limit_bytes", 5000),
        ("container_spec_cpu_quota", 10_000),
        ("container_start_time_seconds", 100.5),
        ("container_last_seen", int(AT)),
        ("container_oom_events_total", 1),
    ):
        sample = of_container(name)
        assert (sample.value, sample.timestamp) == (value, AT), name
    assert of_container("container_cpu_usage_seconds_total", cpu="total").value == 2.0
    assert of_container("container_memory_failures_total", failure_type="pgfault", scope="hierarchy").value == 7
    assert of_container("container_fs_usage_bytes", device="").value == 123
    assert of_container("container_fs_reads_bytes_total", device="8:0").value == 50
    assert of_container("container_fs_reads_total", device="8:0").value == 5
    # Everything from the node down, each once.
    groups = [
        (s.labels["id"], s.labels["name"], s.labels["container"]) for s in found["container_cpu_usage_seconds_total"]
    ]
    assert groups == [
        ("/", "", ""), ("/kubepods", "", ""), ("/kubepods/pod", "", ""), ("/kubepods/pod/s", "s", ""),
        ("/kubepods/pod/c1", "c1", 'c"\\'),
    ]  # fmt: skip
    network = found["container_network_receive_bytes_total"]
    assert [(s.labels["id"], s.labels["pod"], s.labels["interface"], s.value) for s in network] == [
        ("/", "", "eth0", 1),
        ("/kubepods/pod/s", "p", "eth0", 1),
    ]
    assert [s.value for s in found["container_network_transmit_packets_dropped_total"]] == [8, 8]


def test_each_family_stands_once():
    text = cadvisor_metrics.render(seen(), 2, 1 << 30)
    heads = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
