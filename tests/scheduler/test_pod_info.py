"""What a pod asks for: containers, sidecars, init containers, the pod as a whole, overhead, host ports."""

import pytest
from tests.scheduler.builders import container, info, pod

from steersman.scheduler.pod_info import DEFAULT_MEMORY, DEFAULT_MILLI_CPU, describe

MI = 2**20


def init(always=False, **requests):
    made = container(**requests)
    return {**made, "restartPolicy": "Always"} if always else made


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container(cpu="1"), container(cpu="500m", memory="1Gi")]}, {"cpu": 1500, "memory": 1024 * MI}),
        ({"containers": [container(cpu="1")], "initContainers": [init(cpu="3")]}, {"cpu": 3000}),
        ({"containers": [container(cpu="2")], "initContainers": [init(cpu="1"), init(cpu="1")]}, {"cpu": 2000}),
        ({"containers": [container(cpu="1")], "initContainers": [init(True, cpu="1")]}, {"cpu": 2000}),
        # A sidecar counts for the init containers after it, and for none before.
        ({"containers": [container()], "initContainers": [init(True, cpu="1"), init(cpu="2")]}, {"cpu": 3000}),
        ({"containers": [container()], "initContainers": [init(cpu="2"), init(True, cpu="1")]}, {"cpu": 2000}),
        ({"containers": [container(cpu="1")], "overhead": {"cpu": "250m"}}, {"cpu": 1250}),
        ({"containers": [container(cpu="1")], "resources": {"requests": {"cpu": "5"}}}, {"cpu": 5000}),
        (
            {"containers": [container(cpu="1")], "resources": {"requests": {"memory": "1Mi"}}},
            {"cpu": 1000, "memory": MI},
        ),
        ({"containers": [container(**{"example.com/gpu": "2"})]}, {"example.com/gpu": 2}),
        ({"containers": [container(**{"ephemeral-storage": "1Ki"})]}, {"ephemeral-storage": 1024}),
        ({"containers": [container()]}, {}),
    ],
)
def test_requests(spec, expected):
    assert describe(pod(**spec)).requests == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container()]}, (DEFAULT_MILLI_CPU, DEFAULT_MEMORY)),
        ({"containers": [container(), container(cpu="1")]}, (1100, 2 * DEFAULT_MEMORY)),
        ({"containers": [container(cpu="0")]}, (0, DEFAULT_MEMORY)),
        ({"containers": [container()], "initContainers": [init(memory="1Gi")]}, (DEFAULT_MILLI_CPU, 1024 * MI)),
        ({"containers": [container()], "overhead": {"memory": "1Mi"}}, (DEFAULT_MILLI_CPU, DEFAULT_MEMORY + MI)),
        ({"containers": [container()], "resources": {"requests": {"cpu": "2"}}}, (2000, DEFAULT_MEMORY)),
    ],
)
def test_what_counts_for_comparing(spec, expected):
    assert describe(pod(**spec)).nonzero == expected


def test_host_ports():
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 53, "hostPort": 53, "protocol": "UDP"}]
    found = info(
        containers=[{**container(), "ports": [*ports, {"containerPort": 1}]}],
        initContainers=[
            {**init(True), "ports": [{"containerPort": 9, "hostPort": 9, "hostIP": "127.0.0.1"}]},
            {**init(), "ports": [{"containerPort": 7, "hostPort": 7}]},
        ],
    )
    assert found.host_ports == {("0.0.0.0", "TCP", 8080), ("0.0.0.0", "UDP", 53), ("127.0.0.1", "TCP", 9)}


def test_best_effort():
    assert info().best_effort
    assert info(requests={"example.com/gpu": "1"}).best_effort
    assert not info(requests={"memory": "1"}).best_effort
