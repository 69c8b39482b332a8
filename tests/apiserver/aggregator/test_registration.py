"""An APIService for every group version that is served here: made, kept, and removed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.aggregator.conftest import GROUP, SERVICES, Outer, api_service, until
from tests.apiserver.crd.conftest import CRDS, definition, version

from steersman.apiserver.aggregator.priorities import Priority
from steersman.apiserver.aggregator.registration import ALWAYS, MANAGED, ON_START, Step, Wanted, decide

KEY = ("a.io", "v1")
PLAIN, ONCE, KEPT = "", ON_START, ALWAYS


def wanted(managed: str, group: int = 1000) -> Wanted:
    return Wanted(KEY, Priority(group, 100), managed)


@pytest.mark.parametrize(
    ("managed", "found", "at_start", "synced", "step"),
    [
        (None, None, False, False, Step.NOTHING),
        (ONCE, None, False, False, Step.CREATE),
        (ONCE, None, True, True, Step.NOTHING),
        (KEPT, None, False, True, Step.CREATE),
        (None, PLAIN, True, False, Step.NOTHING),
        (ONCE, PLAIN, True, False, Step.NOTHING),
        (KEPT, PLAIN, True, False, Step.NOTHING),
        (None, ONCE, False, False, Step.NOTHING),
        (ONCE, ONCE, False, False, Step.NOTHING),
        (KEPT, ONCE, False, False, Step.NOTHING),
        (None, ONCE, True, False, Step.DELETE),
        (None, ONCE, True, True, Step.NOTHING),
        (ONCE, ONCE, True, False, Step.UPDATE),
        (ONCE, ONCE, True, True, Step.NOTHING),
        (KEPT, ONCE, True, False, Step.UPDATE),
        (None, KEPT, False, True, Step.DELETE),
        (ONCE, KEPT, True, False, Step.UPDATE),
        (KEPT, KEPT, False, True, Step.UPDATE),
    ],
)
def test_decide(managed: str | None, found: str | None, at_start: bool, synced: bool, step: Step) -> None:
    other = None if found is None else wanted(found, 7).build()
    given = None if managed is None else wanted(managed)
    assert decide(given, other, at_start=at_start, synced=synced) is step
    if step is Step.UPDATE:
        same = wanted(found or "").build()
        assert decide(given, same, at_start=at_start, synced=synced) is Step.NOTHING


async def registered(outer: Outer) -> dict[str, Any]:
    return {s["metadata"]["name"]: s for s in (await outer.get(SERVICES))["items"]}


async def wait_for(outer: Outer, name: str, *, there: bool = True) -> Any:
    async def look() -> Any:
        found = await registered(outer)
        return found if (name in found) is there else None

    return (await until(look)).get(name)


async def test_those_of_the_servers_own_kinds(outer: Outer) -> None:
    await wait_for(outer, "v1.storagemigration.k8s.io")
    found = await registered(outer)
    assert found["v1."]["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}
    assert found["v1.apps"]["metadata"]["labels"] == {MANAGED: ON_START}
    assert found["v1.apps"]["status"]["conditions"][0] | {"lastTransitionTime": ""} == {
        "type": "Available",
        "status": "True",
        "reason": "Local",
        "message": "Local APIServices are always available",
        "lastTransitionTime": "",
    }
    assert "v1.apiregistration.k8s.io" not in found
    # They are brought to order at the start only. What they describe is served in any case.
    await outer.delete(f"{SERVICES}/v1.apps")
    await outer.post(CRDS, definition(group=GROUP))
    await wait_for(outer, f"v1.{GROUP}")
    assert "v1.apps" not in await registered(outer)
    assert "apps" in [g["name"] for g in (await outer.get("/apis"))["groups"]]


async def test_those_of_custom_resources_follow_their_definition(outer: Outer) -> None:
    await outer.post(CRDS, definition("A", version("v1"), version("v2", storage=False), group=GROUP))
    made = await wait_for(outer, f"v2.{GROUP}")
    assert made["metadata"]["labels"] == {MANAGED: ALWAYS}
    assert (made["spec"]["groupPriorityMinimum"], made["spec"]["versionPriority"]) == (1000, 100)
    await wait_for(outer, f"v1.{GROUP}")
    await outer.delete(f"{SERVICES}/v1.{GROUP}")
    await wait_for(outer, f"v1.{GROUP}")
    await outer.patch(f"{SERVICES}/v1.{GROUP}", {"spec": {"versionPriority": 5}})

    async def repaired() -> Any:
        return (await outer.get(f"{SERVICES}/v1.{GROUP}"))["spec"]["versionPriority"] == 100

    await until(repaired)
    one = await outer.get(f"{CRDS}/as.{GROUP}")
    one["spec"]["versions"][1]["served"] = False
    await outer.put(f"{CRDS}/as.{GROUP}", one)
    await wait_for(outer, f"v2.{GROUP}", there=False)
    await outer.delete(f"{CRDS}/as.{GROUP}")
    await wait_for(outer, f"v1.{GROUP}", there=False)


async def test_what_somebody_else_made_is_left_alone(outer: Outer) -> None:
    mine = api_service("v1", service=None, caBundle=None, groupPriorityMinimum=7)
    await outer.post(SERVICES, mine)
    await outer.post(CRDS, definition(group=GROUP))
    await outer.post(CRDS, definition("Other", group="other.io"))
    await wait_for(outer, "v1.other.io")
    assert (await outer.get(f"{SERVICES}/v1.{GROUP}"))["spec"]["groupPriorityMinimum"] == 7
    await outer.delete(f"{CRDS}/crontabs.{GROUP}")
    await outer.delete(f"{CRDS}/others.other.io")
    await wait_for(outer, "v1.other.io", there=False)
    assert f"v1.{GROUP}" in await registered(outer)


async def test_what_was_another_servers_is_our_own_again(outer: Outer) -> None:
    await outer.post(SERVICES, api_service())
    await outer.wait("ServiceNotFound")
    stored = await outer.get(f"{SERVICES}/v1alpha1.{GROUP}")
    del stored["spec"]["service"], stored["spec"]["caBundle"]
    await outer.put(f"{SERVICES}/v1alpha1.{GROUP}", stored)
    assert (await outer.wait("Local"))[0] == "True"


async def test_priorities_order_the_groups(outer: Outer) -> None:
    for group in ("b.io", "a.io"):
        await outer.post(CRDS, definition(group=group))
        await wait_for(outer, f"v1.{group}")
    names = [g["name"] for g in (await outer.get("/apis"))["groups"]]
    assert names[-2:] == ["a.io", "b.io"] or names.index("a.io") + 1 == names.index("b.io")
    await outer.post(SERVICES, api_service("v9", "b.io", groupPriorityMinimum=19000))
    groups = (await outer.get("/apis"))["groups"]
    assert [g["name"] for g in groups[:3]] == ["apiregistration.k8s.io", "b.io", "apps"]
    assert [v["version"] for v in groups[1]["versions"]] == ["v9", "v1"]
