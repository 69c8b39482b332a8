"""What the kubelet counts."""

import pytest

from steersman.api.clock import FakeClock
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.pod_plan import Role
from steersman.kubelet.runtime.cri.client import _operation


@pytest.fixture
def counted():
    return Instruments(FakeClock())


def values(metric):
    return dict(metric.values)


async def test_relists(counted):
    clock = counted._clock
    for _ in range(2):
        with counted.relisting():
            await clock.advance(2)
        await clock.advance(3)
    samples = {m.name: next(iter(m.samples.values())) for m in (counted.relists, counted.relist_intervals)}
    for found in samples.values():
        found.fold()
    assert samples["kubelet_pleg_relist_duration_seconds"].total == 4
    assert samples["kubelet_pleg_relist_interval_seconds"].total == 5
    assert counted.relist_seen.values[()] == int(clock.time()) - 5


def test_sandboxes(counted):
    with counted.sandboxing():
        pass
    with pytest.raises(OSError, match="no"), counted.sandboxing():
        raise OSError("no")
    assert (values(counted.pods), values(counted.pod_errors)) == ({(): 2}, {(): 1})
    assert values(counted.sandbox_errors) == {("",): 1}


def test_containers(counted):
    for role in (Role.INIT, Role.SIDECAR, Role.MAIN, Role.EPHEMERAL):
        counted.starting(role)
    counted.not_started(Role.MAIN, "ErrImagePull")
    assert values(counted.containers) == {("init_container",): 2, ("container",): 1, ("ephemeral_container",): 1}
    assert values(counted.container_errors) == {("container", "ErrImagePull"): 1}


def test_resources_of_any_name_are_one_series(counted):
    for reason in ("OutOfcpu", "OutOfexample.com/a", "OutOfexample.com/b", "NodePorts"):
        counted.refused(reason)
    assert values(counted.admission_refusals) == {("OutOfcpu",): 1, ("OutOfExtendedResources",): 2, ("NodePorts",): 1}


@pytest.mark.parametrize(("size", "label"), [(0, "0-10MB"), (10 << 20, "10MB-100MB"), (1 << 40, "GT100GB")])
def test_pulls(counted, size, label):
    counted.pulled(size, 3.0)
    assert list(counted.pulls.samples) == [(label,)]


def test_probes_are_forgotten_with_their_container(counted):
    names = ("c", "p", "default", "uid")
    counted.probe("Liveness", "successful", names, 0.1)
    counted.probe("Liveness", "failed", names, 0.1)
    counted.probe("Readiness", "unknown", ("d", *names[1:]), 0.1)
    assert 'prober_probe_total{probe_type="Liveness",result="failed",container="c",' in counted.probes.render()
    counted.forget_probes("Liveness", names)
    assert list(counted.probed.values) == [("Readiness", "unknown", "d", "p", "default", "uid")]
    assert list(counted.probe_seconds.samples) == [("Readiness", "d", "p", "default")]


def test_calls_of_the_runtime(counted):
    counted.called("version", counted.now(), failed=False)
    counted.called("version", counted.now(), failed=True)
    assert (values(counted.runtime), values(counted.runtime_errors)) == ({("version",): 2}, {("version",): 1})


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("RunPodSandbox", "run_podsandbox"),
        ("PodSandboxStatus", "podsandbox_status"),
        ("ListPodSandboxStats", "list_podsandbox_stats"),
        ("UpdateContainerResources", "update_container"),
        ("ImageFsInfo", "image_fs_info"),
        ("ExecSync", "exec_sync"),
        ("PortForward", "port_forward"),
    ],
)
def test_names_of_operations(method, name):
    assert _operation(method) == name
