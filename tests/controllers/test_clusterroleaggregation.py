"""Aggregated ClusterRoles over the real API server, written as the controller's own service account."""

from steersman.api.errors import NotFound
from steersman.controllers import clusterroleaggregation
from steersman.controllers.clusterroleaggregation import gathered
from steersman.kinds.types.rbac_v1 import ClusterRole


def _verbs(role):
    return [" ".join(rule.verbs) for rule in role.rules or ()]


def _collecting(*selectors):
    return {"clusterRoleSelectors": [{"matchLabels": {key: "true"}} for key in selectors]}


def _rule(verb):
    return {"verbs": [verb], "apiGroups": ["example.com"], "resources": ["things"]}


def test_rules_are_gathered_selector_by_selector_and_once(make):
    role = make(ClusterRole, "all", aggregationRule=_collecting("b", "a"), rules=[_rule("own")])
    others = [
        make(ClusterRole, "z", meta={"labels": {"a": "true"}}, rules=[_rule("get"), _rule("list")]),
        make(ClusterRole, "y", meta={"labels": {"a": "true", "b": "true"}}, rules=[_rule("list"), _rule("watch")]),
        make(ClusterRole, "x", meta={"labels": {"a": "false"}}, rules=[_rule("delete")]),
        make(ClusterRole, "all", meta={"labels": {"a": "true"}}, rules=[_rule("own")]),
    ]
    assert [rule.verbs for rule in gathered(role, others)] == [["list"], ["watch"], ["get"]]


def test_a_sum_of_sums_takes_one_look(make):
    whole = make(ClusterRole, "whole", meta={"labels": {"c": "true"}}, aggregationRule=_collecting("a"))
    half = make(ClusterRole, "half", meta={"labels": {"a": "true"}}, aggregationRule=_collecting("b"))
    part = make(ClusterRole, "part", meta={"labels": {"b": "true"}}, rules=[_rule("get")])
    assert [rule.verbs for rule in gathered(whole, [whole, half, part])] == [["get"]]
    ring = make(
        ClusterRole, "ring", meta={"labels": {"b": "true"}}, aggregationRule=_collecting("a"), rules=[_rule("x")]
    )
    assert [rule.verbs for rule in gathered(half, [half, ring, part])] == [["get"]]


async def test_the_default_roles_are_summed_up(world):
    await world.start(clusterroleaggregation)
    view = await world.client.get(ClusterRole, "view")
    edit = await world.client.get(ClusterRole, "edit")
    admin = await world.client.get(ClusterRole, "admin")
    parts = {
        name: (await world.client.get(ClusterRole, f"system:aggregate-to-{name}")).rules
        for name in ("view", "edit", "admin")
    }
    assert view.rules == parts["view"]
    assert edit.rules == [*parts["edit"], *parts["view"]]
    assert admin.rules == [*edit.rules, *parts["admin"]]
    entry = next(e for e in view.metadata.managedFields if e.manager == clusterroleaggregation.MANAGER)
    assert entry.operation == "Apply"
    assert entry.fieldsV1 == {"f:rules": {}}


async def test_changes_of_parts_arrive_and_go(world, make):
    await world.start(clusterroleaggregation)
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    await world.client.create(make(ClusterRole, "things", meta={"labels": label}, rules=[_rule("frob")]))
    await world.settle()
    for name in ("view", "edit", "admin"):
        assert "frob" in _verbs(await world.client.get(ClusterRole, name))
    await world.client.delete(ClusterRole, "things")
    await world.settle()
    for name in ("view", "edit", "admin"):
        assert "frob" not in _verbs(await world.client.get(ClusterRole, name))


async def test_rules_written_by_hand_are_replaced(world, make):
    await world.start(clusterroleaggregation)
    role = make(ClusterRole, "sum", aggregationRule=_collecting("part"), rules=[_rule("own")])
    await world.client.create(role)
    await world.settle()
    assert not (await world.client.get(ClusterRole, "sum")).rules
    await world.client.create(make(ClusterRole, "part", meta={"labels": {"part": "true"}}, rules=[_rule("get")]))
    await world.settle()
    assert _verbs(await world.client.get(ClusterRole, "sum")) == ["get"]


async def test_a_role_that_goes_is_left_alone(world, make):
    await world.start(clusterroleaggregation)
    await world.client.create(make(ClusterRole, "sum", aggregationRule=_collecting("part")))
    await world.client.delete(ClusterRole, "sum")
    await world.settle()
    try:
        await world.client.get(ClusterRole, "sum")
    except NotFound:
        return
    raise AssertionError("it came back")
