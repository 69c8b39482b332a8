"""Security contexts of pod and container as the runtime gets them."""

import pytest
from tests.kubelet.builders import container, pod

from steersman.kubelet.env import ConfigError
from steersman.kubelet.runtime import types as rt
from steersman.kubelet.security import container_security, namespaces, sandbox_security


def image(uid=None, username=""):
    return rt.Image(id="sha256:1", repo_tags=(), repo_digests=(), size_bytes=1, uid=uid, username=username)


def of(own=None, outer=None, img=None, **spec):
    made = pod([container(securityContext=own or {})], securityContext=outer or {}, **spec)
    return container_security(made, made.spec.containers[0], img or image(uid=0))


@pytest.mark.parametrize(
    ("spec", "network", "pid", "ipc"),
    [
        ({}, "POD", "CONTAINER", "POD"),
        ({"hostNetwork": True}, "NODE", "CONTAINER", "POD"),
        ({"hostPID": True, "hostIPC": True}, "POD", "NODE", "NODE"),
        ({"shareProcessNamespace": True}, "POD", "POD", "POD"),
    ],
)
def test_namespaces(spec, network, pid, ipc):
    found = namespaces(pod(**spec))
    assert (found.network.name, found.pid.name, found.ipc.name) == (network, pid, ipc)


@pytest.mark.parametrize(
    ("own", "outer", "img", "user", "username", "group"),
    [
        ({}, {}, image(uid=0), 0, "", None),
        ({}, {}, image(uid=1000), 1000, "", None),
        ({}, {}, image(username="web"), None, "web", None),
        ({}, {"runAsUser": 5}, image(uid=1000), 5, "", None),
        ({"runAsUser": 6}, {"runAsUser": 5}, image(), 6, "", None),
        ({"runAsGroup": 7}, {"runAsGroup": 8}, image(uid=1), 1, "", 7),
        ({}, {"runAsGroup": 8}, image(), 0, "", 8),
    ],
)
def test_users(own, outer, img, user, username, group):
    found = of(own, outer, img)
    assert (found.run_as_user, found.run_as_username, found.run_as_group) == (user, username, group)


@pytest.mark.parametrize(
    ("own", "img", "works"),
    [
        ({"runAsNonRoot": True, "runAsUser": 1}, image(uid=0), True),
        ({"runAsNonRoot": True, "runAsUser": 0}, image(uid=1), False),
        ({"runAsNonRoot": True}, image(uid=1), True),
        ({"runAsNonRoot": True}, image(uid=0), False),
        ({"runAsNonRoot": True}, image(), False),
        ({"runAsNonRoot": True}, image(username="web"), False),
        ({"runAsNonRoot": False}, image(uid=0), True),
    ],
)
def test_non_root(own, img, works):
    if works:
        of(own, {"runAsNonRoot": not own["runAsNonRoot"]}, img)
    else:
        with pytest.raises(ConfigError):
            of(own, None, img)


def test_groups():
    assert of(outer={"fsGroup": 9, "supplementalGroups": [1, 2]}).supplemental_groups == (1, 2, 9)


def test_what_a_container_may():
    found = of({"privileged": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "procMount": "Unmasked"})  # fmt: skip
    assert found.privileged
    assert found.readonly_rootfs
    assert found.no_new_privs
    assert (found.add_capabilities, found.drop_capabilities) == (("NET_ADMIN",), ("ALL",))
    assert (found.masked_paths, found.readonly_paths) == ((), ())
    plain = of()
    assert (plain.privileged, plain.no_new_privs, plain.masked_paths) == (False, False, None)


@pytest.mark.parametrize(
    ("own", "outer", "kind"),
    [
        (None, None, rt.ProfileType.UNCONFINED),
        (None, {"type": "RuntimeDefault"}, rt.ProfileType.RUNTIME_DEFAULT),
        ({"type": "Localhost", "localhostProfile": "p.json"}, {"type": "RuntimeDefault"}, rt.ProfileType.LOCALHOST),
    ],
)
def test_seccomp(own, outer, kind):
    found = of({"seccompProfile": own} if own else {}, {"seccompProfile": outer} if outer else {})
    assert found.seccomp.type is kind


def test_sandbox():
    made = pod([container(securityContext={"privileged": True})], securityContext={"runAsUser": 3, "fsGroup": 9})
    found = sandbox_security(made)
    assert (found.run_as_user, found.privileged, found.supplemental_groups) == (3, True, (9,))
