"""What many kinds must be able to do in the same way: three courses through the verbs of a resource."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.conformance.asking import Api, includes, with_labels

Object = dict[str, Any]
# Changes the object at a path, by its subresource (or none), as a merge patch says.
Write = Callable[[str, str, Object], Awaitable[Object]]


@dataclass(frozen=True)
class Resource:
    """Where objects of a kind are: `/apis/<version>/[namespaces/<namespace>/]<plural>`."""

    version: str
    plural: str
    namespace: str = ""

    @property
    def root(self) -> str:
        return f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"

    @property
    def path(self) -> str:
        return f"{self.root}/{f'namespaces/{self.namespace}/' if self.namespace else ''}{self.plural}"

    @property
    def everywhere(self) -> str:
        return f"{self.root}/{self.plural}"

    def named(self, name: str) -> str:
        return f"{self.path}/{name}"


async def discovered(api: Api, resource: Resource, *subresources: str) -> None:
    """The group, its version and the resources are in the discovery documents."""
    group, _, version = resource.version.rpartition("/")
    if group:
        groups = (await api.get("/apis"))["groups"]
        (found,) = [g for g in groups if g["name"] == group]
        assert version in [v["version"] for v in found["versions"]]
        assert version in [v["version"] for v in (await api.get(f"/apis/{group}"))["versions"]]
    names = {r["name"] for r in (await api.get(resource.root))["resources"]}
    assert {resource.plural, *(f"{resource.plural}/{s}" for s in subresources)} <= names


async def operations(api: Api, resource: Resource, obj: Object, unique: str) -> None:
    """Every verb of a resource, and the watch that sees them."""
    await discovered(api, resource)
    obj = with_labels(obj, test=unique)
    labels = f"test={unique}"

    def another(suffix: str) -> Object:
        made = copy.deepcopy(obj)
        made["metadata"]["name"] += suffix
        return made

    created = await api.post(resource.path, obj, code=201)
    await api.post(resource.path, obj, code=409)
    await api.post(resource.path, another("2"))
    name = created["metadata"]["name"]
    revision = (await api.get(resource.path, labelSelector=labels))["metadata"]["resourceVersion"]
    async with api.watch(resource.path, labelSelector=labels, resourceVersion=revision) as watch:
        await api.post(resource.path, another("3"))
        await watch.until("ADDED", lambda o: o["metadata"]["name"] == f"{name}3")
        assert (await api.get(resource.named(name)))["metadata"]["uid"] == created["metadata"]["uid"]
        assert len(await api.items(resource.path, labels)) == 3
        assert len(await api.items(resource.everywhere, labels)) == 3
        patched = await api.patch(resource.named(name), {"metadata": {"annotations": {"patched": "true"}}})
        assert patched["metadata"]["annotations"]["patched"] == "true"
        await watch.until("MODIFIED", lambda o: o["metadata"].get("annotations", {}).get("patched") == "true")
        updated = await api.change(resource.named(name), lambda o: o["metadata"]["annotations"].update(updated="true"))
        assert updated["metadata"]["annotations"]["updated"] == "true"
        await watch.until("MODIFIED", lambda o: o["metadata"].get("annotations", {}).get("updated") == "true")
        await api.delete(resource.named(name))
        await watch.until("DELETED", lambda o: o["metadata"]["name"] == name)
    await api.get(resource.named(name), code=404)
    assert len(await api.items(resource.path, labels)) == 2
    await api.delete_all(resource.path, labels)
    assert await api.items(resource.path, labels) == []


async def lifecycle(api: Api, resource: Resource, first: Object, second: Object, unique: str) -> None:
    """Two objects: created, read, patched, replaced, listed; the one deleted by name, the other with a collection."""
    await discovered(api, resource)
    labels = f"e2e-test={unique}"
    for obj in (first, second):
        created = await api.post(resource.path, with_labels(obj, **{"e2e-test": unique}), code=201)
        found = await api.get(resource.named(obj["metadata"]["name"]))
        assert found["metadata"]["uid"] == created["metadata"]["uid"]
    one, two = (resource.named(o["metadata"]["name"]) for o in (first, second))
    patched = await api.patch(two, {"metadata": {"labels": {unique: "patched"}}}, "strategic")
    assert patched["metadata"]["labels"][unique] == "patched"
    updated = await api.change(two, lambda o: o["metadata"]["labels"].update({unique: "updated"}))
    assert updated["metadata"]["labels"][unique] == "updated"
    assert len(await api.items(resource.everywhere, labels)) == 2
    await api.delete(one)
    await api.gone(one)
    assert len(await api.items(resource.path, labels)) == 1
    await api.delete_all(resource.path, f"{unique}=updated")
    await api.gone(two)
    assert await api.items(resource.everywhere, labels) == []


@dataclass(frozen=True)
class Crud:
    """One kind's contents for `crud`: `spec` and `status` are merge patches of an object that was made from `initial`."""

    initial: Object
    spec: Object
    status: Object | None = None


async def crud(api: Api, resource: Resource, case: Crud, unique: str) -> None:
    """Create, read, replace and each kind of patch of an object and of its status; what was written is read again."""
    await discovered(api, resource, *(["status"] if case.status else []))
    label = {"crud": unique}
    path = resource.named(case.initial["metadata"]["name"])
    initial = with_labels(case.initial, **label)
    async with api.watch(resource.path, labelSelector=f"crud={unique}") as watch:
        await _write(api, resource, initial, case, _replacing(api), path)
        for kind in ("strategic", "merge", "json", "apply"):
            await api.delete(path)
            await api.gone(path)
            await watch.until("DELETED")
            await _write(api, resource, initial, case, _patching(api, kind), path)
        await api.delete_all(resource.path, f"crud={unique}")
        await watch.until("DELETED")
    assert await api.items(resource.everywhere, f"crud={unique}") == []


async def _write(api: Api, resource: Resource, initial: Object, case: Crud, write: Write, path: str) -> None:
    created = await api.post(resource.path, initial, code=201, fieldValidation="Strict")
    assert includes(created, initial)
    assert includes(await api.get(path), initial)
    changed = await write(path, "", case.spec)
    assert includes(changed, case.spec)
    assert int(changed["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    if case.status is not None:
        changed = await write(path, "/status", case.status)
        assert includes(changed, {**case.spec, **case.status})
        assert includes(await api.get(f"{path}/status"), case.status)


def _replacing(api: Api) -> Write:
    return lambda path, to, patch: api.change(path, lambda obj: _merge(obj, patch), to)


def _patching(api: Api, kind: str) -> Write:
    async def write(path: str, to: str, patch: Object) -> Object:
        found = await api.get(path)
        body: Any = patch
        if kind == "json":
            body = list(_operations(found, patch))
        if kind == "apply":
            body = _merge({k: found[k] for k in ("apiVersion", "kind")} | {"metadata": _identity(found)}, patch)
        changed: Object = await api.patch(path + to, body, kind, fieldValidation="Strict")
        return changed

    return write


def _identity(obj: Object) -> Object:
    return {"name": obj["metadata"]["name"]}


def _merge(target: Any, patch: Object) -> Any:
    """The target, with the patch merged into it."""
    for name, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = copy.deepcopy(value)
    return target


def _operations(found: Any, patch: Object, at: str = "") -> Iterator[Object]:
    """The merge patch as operations of a JSON patch."""
    for name, value in patch.items():
        path = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            yield from _operations(found[name], value, path)
        else:
            yield {"op": "add", "path": path, "value": value}
