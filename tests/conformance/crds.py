"""CustomResourceDefinitions as tests need them."""

from __future__ import annotations

from typing import Any

from tests.conformance.asking import Api

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(unique: str, schema: Any = None, scope: str = "Namespaced") -> dict[str, Any]:
    """A definition in a group of its own, of one version that by default takes everything."""
    group = f"{unique}.example.com"
    return {
        "metadata": {"name": f"testcrds.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": "testcrds", "singular": "testcrd", "kind": "TestCRD", "listKind": "TestCRDList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or ANYTHING}}
            ],
        },
    }


async def defined(api: Api, crd: dict[str, Any]) -> str:
    """Create the definition; the path of its (cluster-wide) resources once they are served."""
    await api.post(DEFINITIONS, crd, code=201)
    path = f"/apis/{crd['spec']['group']}/v1/{crd['spec']['names']['plural']}"
    await api.until(path, lambda _: True)
    return path


async def undefined(api: Api, crd: dict[str, Any]) -> None:
    """Delete the definition, and wait until nothing of it is served: others ask for every group that there is."""
    path = f"{DEFINITIONS}/{crd['metadata']['name']}"
    await api.delete(path)
    await api.gone(path)
