"""Binding a pod to its node, once."""

import pytest
from tests.apiserver.conftest import PODS, Api, pod

NODE = {"target": {"kind": "Node", "name": "n"}}


@pytest.mark.parametrize("path", [f"{PODS}/a/binding", "/api/v1/namespaces/default/bindings"])
async def test_binds_once(api: Api, path: str) -> None:
    await api.post(PODS, pod())
    body = {"metadata": {"name": "a", "annotations": {"x": "y"}}, **NODE}
    assert (await api.post(path, body, code=201))["status"] == "Success"
    bound = await api.get(f"{PODS}/a")
    assert bound["spec"]["nodeName"] == "n"
    assert bound["metadata"]["annotations"]["x"] == "y"
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
    again = await api.post(path, body, code=409)
    assert again["message"] == (
        'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n"'
    )


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"target": {}}, 422, "target.name: Required value"),
        (
            {"target": {"name": "N"}},
            422,
            'target.name: Invalid value: "N": a lowercase RFC 1123 subdomain must consist',
        ),
        ({"target": {"kind": "Pod", "name": "n"}}, 422, 'target.kind: Unsupported value: "Pod"'),
        ({"metadata": {"name": "b"}, **NODE}, 400, "does not match the name on the URL"),
        ({"metadata": {"uid": "x"}, **NODE}, 409, "Precondition failed: UID in precondition: x"),
    ],
)
async def test_refused(api: Api, body: object, code: int, message: str) -> None:
    await api.post(PODS, pod())
    assert message in (await api.post(f"{PODS}/a/binding", body, code=code))["message"]


async def test_not_when_it_goes(api: Api) -> None:
    body = pod()
    body["metadata"]["finalizers"] = ["x.io/y"]
    await api.post(PODS, body)
    await api.delete(f"{PODS}/a")
    answer = await api.post(f"{PODS}/a/binding", NODE, code=409)
    assert "pod a is being deleted, cannot be assigned to a host" in answer["message"]
    await api.post(f"{PODS}/no/binding", NODE, code=404)
