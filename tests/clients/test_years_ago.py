"""Manifests of years gone by, by way of kubectl, against a server that still takes them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.running import TIMEOUT, ControlPlane

MANIFESTS = Path(__file__).parent / "manifests" / "years_ago.yaml"
VERSIONS = re.findall(r"^apiVersion: (\S+)$", MANIFESTS.read_text(), re.MULTILINE)
BOAT = {
    "apiVersion": "years.example.com/v1alpha1",
    "kind": "Boat",
    "metadata": {"name": "a"},
    "spec": {"sails": 2, "unknown": {"to": "the schema"}},
}


def kubectl(plane: ControlPlane, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["kubectl", *arguments],
        env=plane.environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def test_old_manifests(plane: ControlPlane) -> None:
    done = kubectl(plane, "apply", "-f", str(MANIFESTS))
    assert len([line for line in done.stdout.splitlines() if line.endswith(" created")]) == len(VERSIONS)
    for version in set(VERSIONS):
        assert f"Warning: {version} " in done.stderr
    try:
        again = kubectl(plane, "apply", "-f", str(MANIFESTS))
        assert "created" not in again.stdout
        _look(plane)
    finally:
        kubectl(plane, "delete", "-f", str(MANIFESTS))


def _look(plane: ControlPlane) -> None:
    """What was made is what today's versions show, once."""
    names = kubectl(plane, "get", "deploy,rs,sts,ds,ing,netpol,cj,hpa,pdb", "-o", "name").stdout.split()
    assert len(names) == len(set(names))
    assert "ingress.networking.k8s.io/web" in names
    found = json.loads(kubectl(plane, "get", "deploy", "web", "-o", "json").stdout)
    assert found["apiVersion"] == "apps/v1"
    assert found["spec"]["selector"] == {"matchLabels": {"app": "web"}}
    assert not kubectl(plane, "get", "deploy").stderr
    kubectl(plane, "wait", "--for=condition=Established", "crd/boats.years.example.com")
    kubectl(plane, "create", "-f", "-", given=json.dumps(BOAT))
    assert json.loads(kubectl(plane, "get", "bt", "a", "-o", "json").stdout)["spec"] == BOAT["spec"]
    assert kubectl(plane, "get", "bt", "--no-headers").stdout.split() == ["a", "2"]
    old = kubectl(plane, "get", "ingresses.v1beta1.extensions", "web", "-o", "json")
    assert json.loads(old.stdout)["spec"]["rules"][0]["http"]["paths"][1]["backend"] == {
        "serviceName": "web",
        "servicePort": "admin",
    }
    assert "use networking.k8s.io/v1 Ingress" in old.stderr
