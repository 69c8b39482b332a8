"""kr8s: objects that know how to write themselves, and its asynchronous watches."""

import asyncio

import kr8s
from kr8s.asyncio.objects import ConfigMap, CustomResourceDefinition, Namespace, new_class

NAMESPACE, GROUP = "with-kr8s", "kr8s.example.com"
TIMEOUT = 60
WIDGET = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"widgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
            }
        ],
    },
}


def config_map(name):
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"x": "y"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "1"}}


async def events(api, started, until):
    """The types and data of what happens to ConfigMaps, until the last of that type."""
    seen = []
    async for event, found in api.watch("configmaps", namespace=NAMESPACE, label_selector={"x": "y"}):
        seen.append((event, dict(found.raw["data"])))
        started.set()
        if event == until:
            return seen
    raise AssertionError(f"the watch ended after {seen}")


async def built_in(api):
    await (await Namespace({"metadata": {"name": NAMESPACE}})).create()
    found = await ConfigMap(config_map("a"))
    await found.create()
    started = asyncio.Event()
    watching = asyncio.create_task(events(api, started, "DELETED"))
    await started.wait()
    await found.patch({"data": {"k": "2"}})
    assert found.data.k == "2"
    await found.label(z="w")
    await found.delete()
    seen = await watching
    assert [event for event, _ in seen] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"], seen
    assert seen[-1][1] == {"k": "2"}
    try:
        await ConfigMap.get("a", namespace=NAMESPACE, timeout=0)
    except kr8s.NotFoundError:
        return
    raise AssertionError("what was deleted is there")


async def applied(api):
    """Apply by a plain request, as kr8s has no verb for it."""
    async with api.call_api(
        "PATCH",
        version="v1",
        namespace=NAMESPACE,
        url="configmaps/b",
        params={"fieldManager": "program"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        json=config_map("b"),
    ) as response:
        assert response.json()["metadata"]["managedFields"][0]["operation"] == "Apply"
    found = await ConfigMap.get("b", namespace=NAMESPACE)
    assert found.data.k == "1"


async def custom(api):
    definition = await CustomResourceDefinition(WIDGET)
    await definition.create()
    await definition.wait("condition=Established", timeout=TIMEOUT)
    kind = new_class("Widget", f"{GROUP}/v1", asyncio=True, namespaced=True, scalable=True)
    widget = await kind({"metadata": {"name": "w", "namespace": NAMESPACE}, "spec": {"replicas": 1}})
    await widget.create()
    await widget.scale(3)
    await widget.patch({"status": {"replicas": 3}}, subresource="status")
    await widget.refresh()
    assert (widget.spec.replicas, widget.status.replicas) == (3, 3)
    assert [w.name async for w in kr8s.asyncio.get(f"widgets.{GROUP}", namespace=NAMESPACE, api=api)] == ["w"]
    await widget.delete()
    await definition.delete()


async def main():
    api = await kr8s.asyncio.api()
    await built_in(api)
    await applied(api)
    await custom(api)
    await (await Namespace.get(NAMESPACE)).delete()
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
