"""A kubelet over a real containerd and a real API server: what pods see, and how they start, fail and end."""

import base64
import os

import pytest
from tests.kubelet.real_node import IMAGE, RUN, WAIT

from steersman.kinds.types.core_v1 import ConfigMap, Pod, Secret
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.volumes.manager import VolumeManager

pytestmark = pytest.mark.node


def cluster_map(name, **data):
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data=data)


async def test_runs_to_the_end(real):
    await real.create("ok", "echo out; echo err >&2", restartPolicy="Never")
    pod, end = await real.ended("ok")
    assert (pod.status.phase, end.exitCode, end.reason) == ("Succeeded", 0, "Completed")
    assert sorted((await real.logs("ok")).split()) == ["err", "out"]
    await real.create("bad", "echo because > /dev/termination-log; exit 3", restartPolicy="Never")
    pod, end = await real.ended("bad")
    assert (pod.status.phase, end.exitCode, end.reason, end.message) == ("Failed", 3, "Error", "because\n")
    await real.cluster.wait_for(lambda: _has(real, "ok", "Started"), timeout=WAIT)
    assert {"Pulled", "Created", "Started"} <= set(await real.reasons("ok"))


async def _has(real, name, reason):
    return reason in await real.reasons(name)


async def test_environment(real):
    await real.client.create(cluster_map("map", COLOUR="red", SIZE="9"))
    secret = {"password": base64.b64encode(b"hush").decode()}
    await real.client.create(Secret(metadata=ObjectMeta(name="s", namespace="default"), data=secret))
    env = [
        {"name": "PLAIN", "value": "a$(COLOUR)b"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    container = {
        "env": env,
        "envFrom": [{"configMapRef": {"name": "map"}}],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    out = await real.output("env", "echo $PLAIN $SECRET $NAME $LIMIT $SIZE $FROM $IP; id -u", container=container)
    words = out.split()
    assert words[:6] == ["aredb", "hush", "env", "64", "9", "image"]
    assert words[6] == (await real.client.get(Pod, "env", "default")).status.podIP
    assert words[7] == "0"


async def test_volumes(real):
    await real.client.create(cluster_map("map", file="content"))
    volumes = [
        {"name": "map", "configMap": {"name": "map", "items": [{"key": "file", "path": "sub/name"}]}},
        {"name": "empty", "emptyDir": {}},
        {"name": "info", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    mounts = [
        {"name": "map", "mountPath": "/map"},
        {"name": "empty", "mountPath": "/empty"},
        {"name": "empty", "mountPath": "/sub", "subPath": "inside"},
        {"name": "info", "mountPath": "/info", "readOnly": True},
    ]
    script = (
        "cat /map/sub/name; echo; cat /info/labels; echo; echo shared > /sub/file; cat /empty/inside/file; "
        "echo x 2>/dev/null > /map/new || echo refused; cat /etc/resolv.conf; cat /etc/hosts; cat /proc/sys/kernel/hostname"
    )
    out = await real.output(
        "vol", script, container={"volumeMounts": mounts}, volumes=volumes, meta={"labels": {"a": "b"}}
    )
    assert out.startswith('content\na="b"\nshared\n')
    assert "refused" in out
    assert "nameserver 10.96.0.10" in out
    assert "search default.svc.cluster.local svc.cluster.local cluster.local" in out
    assert "# Kubernetes-managed hosts file." in out
    assert out.endswith("vol\n")


async def test_secrets_lie_in_memory_and_are_read_only(real):
    await real.client.create(Secret(metadata=ObjectMeta(name="s", namespace="default"), stringData={"key": "hidden"}))
    volumes = [{"name": "s", "secret": {"secretName": "s"}}]
    mounts = [{"name": "s", "mountPath": "/s"}, {"name": "s", "mountPath": "/one", "subPath": "key"}]
    script = "cat /s/key /one; echo; grep -E ' (/s|/one) ' /proc/mounts; echo x 2>/dev/null > /s/new || echo refused"
    out = (await real.output("mem", script, container={"volumeMounts": mounts}, volumes=volumes)).splitlines()
    assert out[0] == "hiddenhidden"
    for line, place in zip(out[1:3], ("/s", "/one"), strict=True):
        assert line.startswith(f"tmpfs {place} tmpfs ro,")
    assert out[3] == "refused"


async def test_what_a_container_puts_in_the_way_of_a_sub_path_leads_nowhere(real):
    volumes = [{"name": "e", "emptyDir": {}}]
    first = {"name": "i", "image": IMAGE, "command": ["/bin/sh", "-c", "ln -s / /e/out; ln -s /etc /e/in"]}
    first["volumeMounts"] = [{"name": "e", "mountPath": "/e"}]
    mounts = [{"name": "e", "mountPath": "/host", "subPath": "out/etc"}]
    await real.create("link", "ls /host", {"volumeMounts": mounts}, initContainers=[first], volumes=volumes)
    pod = await real.wait("link", lambda p: _waits(p) == "CreateContainerConfigError")
    assert "leads outside of the volume" in pod.status.containerStatuses[0].state.waiting.message


async def test_a_missing_secret_is_waited_for_with_patience(real, monkeypatch):
    asked = []
    set_up = VolumeManager.set_up

    async def counted(self, context):
        asked.append(context.pod.metadata.name)
        await set_up(self, context)

    monkeypatch.setattr(VolumeManager, "set_up", counted)
    await real.create("late", "cat /s/key", {"volumeMounts": [{"name": "s", "mountPath": "/s"}]}, restartPolicy="Never",
                      volumes=[{"name": "s", "secret": {"secretName": "late"}}])  # fmt: skip
    await real.cluster.wait_for(lambda: _has(real, "late", "FailedMount"), timeout=WAIT)
    await real.client.create(Secret(metadata=ObjectMeta(name="late", namespace="default"), stringData={"key": "here"}))
    await real.ended("late")
    assert await real.logs("late") == "here"
    assert len(asked) < 10


async def test_init_containers_run_in_order_before_the_main_one(real):
    init = [
        {"name": name, "image": IMAGE, "command": ["/bin/sh", "-c", f"echo {name} >> /data/order"],
         "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        for name in ("first", "second")
    ]  # fmt: skip
    out = await real.output(
        "init",
        "echo main >> /data/order; cat /data/order",
        container={"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        initContainers=init,
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    assert out.split() == ["first", "second", "main"]


async def test_a_failing_init_container_ends_the_pod(real):
    init = [{"name": "i", "image": IMAGE, "command": ["/bin/sh", "-c", "exit 4"]}]
    await real.create("init", "true", restartPolicy="Never", initContainers=init)
    pod = await real.wait("init", lambda p: p.status.phase == "Failed")
    assert pod.status.initContainerStatuses[0].state.terminated.exitCode == 4
    assert pod.status.containerStatuses[0].state.waiting.reason == "PodInitializing"


async def test_restarts_and_backs_off(real):
    await real.create("loop", "exit 1")
    pod = await real.wait("loop", lambda p: _waits(p) == "CrashLoopBackOff")
    status = pod.status.containerStatuses[0]
    assert status.restartCount == 1
    assert status.lastState.terminated.exitCode == 1
    assert status.state.waiting.message.startswith("back-off 10s restarting failed container=c pod=loop_default(")
    assert pod.status.phase == "Running"


def _waits(pod):
    state = pod.status.containerStatuses[0].state if pod.status.containerStatuses else None
    return state.waiting.reason if state and state.waiting else ""


async def test_on_failure_restarts_until_it_works(real):
    volumes = {"volumes": [{"name": "d", "emptyDir": {}}]}
    mounts = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    await real.create("once", "test -e /d/x || { echo > /d/x; exit 1; }", mounts, restartPolicy="OnFailure", **volumes)
    pod, end = await real.ended("once")
    assert (pod.status.phase, end.exitCode) == ("Succeeded", 0)
    assert pod.status.containerStatuses[0].restartCount == 1


async def test_an_image_that_is_nowhere(real):
    await real.create("gone", "true", {"image": "localhost:1/none:1", "imagePullPolicy": "Never"})
    await real.wait("gone", lambda p: _waits(p) == "ErrImageNeverPull")
    await real.create("pull", "true", {"image": "localhost:1/none:1"})
    await real.wait("pull", lambda p: _waits(p) == "ImagePullBackOff")
    assert {"Pulling", "Failed", "BackOff"} <= set(await real.reasons("pull"))


async def test_a_missing_config_map_is_waited_for(real):
    container = {"envFrom": [{"configMapRef": {"name": "late"}}]}
    await real.create("late", "echo $X", container, restartPolicy="Never")
    pod = await real.wait("late", lambda p: _waits(p) == "CreateContainerConfigError")
    assert pod.status.containerStatuses[0].state.waiting.message == 'configmaps "late" not found'
    await real.client.create(cluster_map("late", X="here"))
    await real.ended("late")
    assert await real.logs("late") == "here\n"


async def test_readiness(real):
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1}
    script = f"sleep 0.5; echo > /tmp/ready; {RUN}"
    await real.create("ready", script, {"readinessProbe": probe})
    pod = await real.wait("ready", lambda p: p.status.phase == "Running")
    assert not pod.status.containerStatuses[0].ready
    await real.wait("ready", "Ready")


async def test_liveness_restarts(real):
    probe = {"exec": {"command": ["/bin/sh", "-c", "exit 1"]}, "periodSeconds": 1, "failureThreshold": 1}
    await real.create("alive", RUN, {"livenessProbe": probe})
    pod = await real.wait("alive", lambda p: p.status.containerStatuses and p.status.containerStatuses[0].restartCount)
    assert pod.status.containerStatuses[0].lastState.terminated.exitCode == 0
    assert "Unhealthy" in await real.reasons("alive")


async def test_a_killed_container_is_started_again(real):
    pod = await real.create("kill", RUN)
    pod = await real.wait("kill", "Ready")
    await real.runtime.stop_container(pod.status.containerStatuses[0].containerID.removeprefix("containerd://"), 0)
    pod = await real.wait(
        "kill", lambda p: p.status.containerStatuses[0].restartCount == 1 and p.status.containerStatuses[0].ready
    )
    assert pod.status.containerStatuses[0].lastState.terminated.exitCode == 137


async def test_deleted_gracefully(real):
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "echo bye > /proc/1/fd/1"]}}}
    script = "trap 'echo term; exit 0' TERM; while true; do sleep 0.1; done"
    await real.create("bye", script, {"lifecycle": hook}, meta={"finalizers": ["example.com/look"]})
    await real.wait("bye", "Ready")
    await real.client.delete(Pod, "bye", "default", grace=20)
    pod, end = await real.ended("bye")
    assert (pod.status.phase, end.exitCode) == ("Succeeded", 0)
    await real.client.patch(Pod, "bye", {"metadata": {"finalizers": None}}, "default")
    await real.cluster.wait_gone(Pod, "bye", timeout=WAIT)


async def test_sidecars_run_beside_and_end_after(real):
    sidecar = {"name": "side", "image": IMAGE, "restartPolicy": "Always", "command": ["/bin/sh", "-c", RUN]}
    await real.create("side", "sleep 0.3", restartPolicy="Never", initContainers=[sidecar])
    pod, end = await real.ended("side")
    assert (pod.status.phase, end.exitCode) == ("Succeeded", 0)
    assert pod.status.initContainerStatuses[0].state.terminated


async def test_active_deadline(real):
    await real.create("dead", RUN, activeDeadlineSeconds=1)
    pod = await real.wait("dead", lambda p: p.status.phase == "Failed")
    assert pod.status.reason == "DeadlineExceeded"


async def test_a_new_kubelet_takes_over(real):
    await real.create("stays", RUN)
    before = await real.wait("stays", "Ready")
    await real.create("goes", RUN)
    await real.wait("goes", "Ready")
    await real.stop()
    await real.client.delete(Pod, "goes", "default", grace=0)
    real.start()
    await real.create("new", RUN)
    await real.wait("new", "Ready")
    after = await real.client.get(Pod, "stays", "default")
    assert after.status.containerStatuses == before.status.containerStatuses

    # Nobody told the new one of the pod that went meanwhile: it finds its leftovers.
    await real.until(lambda: len(real.kubelet.context.pleg.known) == len(os.listdir(f"{real.root}/logs")) == 2)


async def test_a_changed_image_restarts_the_container(real):
    await real.create("img", RUN)
    await real.wait("img", "Ready")
    body = {"spec": {"containers": [{"name": "c", "image": "steersman-test:1"}]}}
    await real.client.patch(Pod, "img", body, "default", kind="strategic")
    await real.wait(
        "img", lambda p: p.status.containerStatuses[0].restartCount == 1 and p.status.containerStatuses[0].ready
    )


async def test_refused_by_the_node(real):
    await real.create("big", "true", {"resources": {"requests": {"cpu": "64"}}})
    pod = await real.wait("big", lambda p: p.status.phase == "Failed")
    assert pod.status.reason == "OutOfcpu"
    assert "Node didn't have enough resource: cpu, requested: 64000" in pod.status.message


async def test_cgroup_limits(real):
    limits = {"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}}
    out = await real.output(
        "cg",
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true",
        container=limits,
    )
    assert str(64 * 2**20) in out.split()
