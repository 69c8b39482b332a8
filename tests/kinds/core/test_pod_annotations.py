"""Annotations of pods that say what fields say today, and those that servers read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.apps.deployment import KIND as DEPLOYMENT
from steersman.kinds.core.pod import KIND

ErrorsOf = Callable[..., list[str]]

SECCOMP, APP_ARMOR = (
    "container.seccomp.security.alpha.kubernetes.io/",
    "container.apparmor.security.beta.kubernetes.io/",
)
COST = "controller.kubernetes.io/pod-deletion-cost"
MIRROR = "kubernetes.io/config.mirror"
A = "metadata.annotations"
C = "spec.containers[0].securityContext"


def _pod(annotations: str = "", context: str = "{}", rest: str = "") -> str:
    container = f"{{name: c, image: nginx, securityContext: {context}}}"
    return f"{{metadata: {{name: web, namespace: default, annotations: {{{annotations}}}}}, spec: {{containers: [{container}]{rest}}}}}"


@pytest.mark.parametrize(
    ("pod", "errors"),
    [
        (_pod(f"{MIRROR}: x", rest=", nodeName: n"), []),
        (_pod(f"{MIRROR}: x"), [f'{A}[{MIRROR}]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set']),
        (_pod(f"{COST}: '-2147483648'"), []),
        (_pod(f"{COST}: '2147483648'"), [f'{A}[{COST}]: Invalid value: "2147483648": must be a 32bit integer']),
        (_pod(f"{COST}: '{'1' * 5000}'"), [f'{A}[{COST}]: Invalid value: "{"1" * 5000}": must be a 32bit integer']),
        (_pod(f"{COST}: '+1'"), [f'{A}[{COST}]: Invalid value: "+1": must be a 32bit integer']),
        (_pod(f"{COST}: '01'"), [f'{A}[{COST}]: Invalid value: "01": must be a 32bit integer']),
        (_pod("seccomp.security.alpha.kubernetes.io/pod: x"), [f'{A}.seccomp.security.alpha.kubernetes.io/pod: Invalid value: "x": must be a valid seccomp profile']),
        (_pod(f"{SECCOMP}c: localhost/../a"), [f"{A}.{SECCOMP}c: Invalid value: \"../a\": must not contain '..'"]),
        (_pod(f"{SECCOMP}c: docker/default", "{seccompProfile: {type: RuntimeDefault}}"), []),
        (_pod(f"{SECCOMP}c: unconfined", "{seccompProfile: {type: RuntimeDefault}}"), [f"{C}.seccompProfile.type: Forbidden: seccomp type in annotation and field must match"]),
        (_pod(f"{SECCOMP}c: localhost/a", "{seccompProfile: {type: Localhost, localhostProfile: b}}"), [f"{C}.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must match"]),
        (_pod(f"{APP_ARMOR}c: runtime/default"), []),
        (_pod(f"{APP_ARMOR}d: runtime/default"), [f'{A}[{APP_ARMOR}d]: Invalid value: "d": container not found']),
        (_pod(f"{APP_ARMOR}c: x"), [f'{A}[{APP_ARMOR}c]: Invalid value: "x": invalid AppArmor profile name: "x"']),
        (_pod(f"{APP_ARMOR}c: unconfined", "{appArmorProfile: {type: RuntimeDefault}}"), [f"{C}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match"]),
    ],
)  # fmt: skip
def test_of_a_new_pod(pod: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, pod) == errors


def test_of_a_template(errors_of: ErrorsOf) -> None:
    workload = "{metadata: {name: web, namespace: default}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}, annotations: {%s: x}}, spec: {containers: [{name: c, image: x}]}}}}"
    assert errors_of(DEPLOYMENT, workload % COST) == [
        f'spec.template.annotations[{COST}]: Invalid value: "x": must be a 32bit integer'
    ]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{a: b, z: null}", []),
        (f"{{{COST}: '1'}}", []),
        (f"{{{MIRROR}: y}}", [f"{A}[{MIRROR}]: Forbidden: may not remove or update mirror pod annotation"]),
        (f"{{{MIRROR}: null}}", [f"{A}[{MIRROR}]: Forbidden: may not remove or update mirror pod annotation"]),
        (f"{{{APP_ARMOR}c: unconfined}}", [f"{A}[{APP_ARMOR}c]: Forbidden: may not remove or update AppArmor annotations"]),
        (f"{{{APP_ARMOR}d: unconfined}}", [f"{A}[{APP_ARMOR}d]: Forbidden: may not add AppArmor annotations", f'{A}[{APP_ARMOR}d]: Invalid value: "d": container not found']),
    ],
)  # fmt: skip
def test_of_a_changed_pod(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    pod = _pod(f"{MIRROR}: x, {APP_ARMOR}c: runtime/default, z: 'y'", rest=", nodeName: n")
    assert sorted(update_errors_of(KIND, pod, f"metadata: {{annotations: {change}}}")) == errors
