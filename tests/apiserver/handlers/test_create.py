"""Creating: what the server fills in, generated names, refusals, dry runs, YAML."""

import json

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod


async def test_fills_in_what_the_server_owns(api: Api) -> None:
    sent = config_map("a", k="v")
    sent["metadata"] |= {
        "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "deletionTimestamp": "2001-01-01T00:00:00Z",
        "selfLink": "/x",
        "generation": 7,
    }
    made = await api.post(MAPS, sent, code=201)
    meta = made["metadata"]
    assert made["kind"] == "ConfigMap"
    assert made["apiVersion"] == "v1"
    assert meta["namespace"] == "default"
    assert len(meta["uid"]) == 36
    assert meta["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert not {"deletionTimestamp", "selfLink", "generation"} & set(meta)
    assert int(meta["resourceVersion"]) == api.app.store.revision
    assert await api.get(f"{MAPS}/a") == made


@pytest.mark.parametrize("plural", ["namespaces", "nodes"])
async def test_what_is_in_no_namespace_may_name_one(api: Api, plural: str) -> None:
    """Manifests often do, and whether there is such a namespace is nobody's question."""
    made = await api.post(f"/api/v1/{plural}", {"metadata": {"name": "a", "namespace": "nowhere"}}, code=201)
    assert "namespace" not in made["metadata"]
    assert (await api.get(f"/api/v1/{plural}/a"))["metadata"]["name"] == "a"


async def test_exists(api: Api) -> None:
    await api.post(MAPS, config_map())
    answer = await api.post(MAPS, config_map(), code=409)
    assert answer["reason"] == "AlreadyExists"
    assert answer["message"] == 'configmaps "a" already exists'
    assert answer["details"] == {"name": "a", "kind": "configmaps"}


async def test_generated_names_differ(api: Api) -> None:
    names = set()
    for _ in range(20):
        made = await api.post(MAPS, {"metadata": {"generateName": "x-"}})
        names.add(made["metadata"]["name"])
    assert len(names) == 20
    assert all(n.startswith("x-") and len(n) == 7 for n in names)


async def test_generated_name_is_tried_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["x-1", "x-1", "x-2"])
    monkeypatch.setattr("steersman.apiserver.registry.generate_name", lambda base: next(names))
    for expected in ("x-1", "x-2"):
        made = await api.post(MAPS, {"metadata": {"generateName": "x-"}})
        assert made["metadata"]["name"] == expected


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        (
            MAPS,
            {"metadata": {"name": "a", "namespace": "b"}},
            400,
            "the namespace of the provided object does not match",
        ),
        ("/api/v1/namespaces/no/configmaps", config_map(), 404, 'namespaces "no" not found'),
        (MAPS, {"metadata": {"name": "A_"}}, 422, 'ConfigMap "A_" is invalid: metadata.name: Invalid value: "A_"'),
        (MAPS, {"metadata": {}}, 422, "metadata.name: Required value: name or generateName is required"),
        (
            MAPS,
            {"metadata": {"name": "a", "resourceVersion": "1"}},
            500,
            "resourceVersion should not be set on objects",
        ),
        (MAPS, {"kind": "Pod", "metadata": {"name": "a"}}, 400, 'Pod in version "v1" cannot be handled as a ConfigMap'),
        (MAPS, {"apiVersion": "v2", "metadata": {"name": "a"}}, 400, "the API version in the data (v2) does not match"),
        (MAPS, {"metadata": {"name": 1}}, 400, "json: cannot unmarshal number into Go struct field"),
        (
            MAPS,
            b"{",
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; ",
        ),
        (MAPS + "/a", config_map(), 405, "the server does not allow this method on the requested resource"),
        ("/api/v1/configmaps", config_map(), 404, "the server could not find the requested resource"),
    ],
)
async def test_refused(api: Api, path: str, body: object, code: int, message: str) -> None:
    answer = await api.post(path, body, code=code)
    assert answer["kind"] == "Status"
    assert answer["status"] == "Failure"
    assert message in answer["message"]
    assert (await api.get(MAPS))["items"] == []


@pytest.mark.parametrize(
    ("validation", "code", "warning"),
    [
        ("Strict", 400, None),
        ("Warn", 201, '299 - "unknown field \\"spec.foo\\""'),
        ("Ignore", 201, None),
        ("", 201, "299"),
    ],
)
async def test_field_validation(api: Api, validation: str, code: int, warning: str | None) -> None:
    body = pod(foo=1)
    response = await api.raw("POST", f"{PODS}?fieldValidation={validation}", body)
    assert response.status == code
    if warning:
        assert response.headers["Warning"].startswith(warning)
    else:
        assert "Warning" not in response.headers
    if code == 400:
        assert isinstance(response.body, bytes)
        assert 'strict decoding error: unknown field "spec.foo"' in json.loads(response.body)["message"]


async def test_bad_options(api: Api) -> None:
    answer = await api.post(f"{MAPS}?fieldValidation=Maybe&dryRun=Some", config_map(), code=422)
    assert "fieldValidation: Unsupported value" in answer["message"]
    assert "dryRun: Unsupported value" in answer["message"]


async def test_dry_run_stores_nothing(api: Api) -> None:
    made = await api.post(f"{MAPS}?dryRun=All", config_map())
    assert "resourceVersion" not in made["metadata"]
    await api.get(f"{MAPS}/a", code=404)
    await api.post(MAPS, config_map())
    await api.post(f"{MAPS}?dryRun=All", config_map(), code=409)


async def test_yaml_in_and_out(api: Api) -> None:
    body = b"metadata: {name: a}\ndata: {k: 'on'}\n"
    response = await api.raw("POST", MAPS, body, {"content-type": "application/yaml", "accept": "application/yaml"})
    assert response.status == 201
    assert isinstance(response.body, bytes)
    assert response.headers["Content-Type"] == "application/yaml"
    assert b"kind: ConfigMap\n" in response.body
    assert (await api.get(f"{MAPS}/a"))["data"] == {"k": "on"}


async def test_duplicate_fields_warn(api: Api) -> None:
    response = await api.raw("POST", MAPS, b'{"metadata":{"name":"a"},"data":{"k":"1"},"data":{"k":"2"}}')
    assert response.status == 201
    assert 'duplicate field \\"data\\"' in response.headers["Warning"]


async def test_pods_are_warned_of_what_will_not_be_meant(api: Api) -> None:
    """Of an annotation that becomes a field, and of an old label; not when something is changed."""
    key = "container.apparmor.security.beta.kubernetes.io/c"
    sent = pod()
    sent["metadata"]["annotations"] = {key: "runtime/default"}
    sent["spec"] |= {
        "containers": [{"name": "c", "image": "x"}],
        "nodeSelector": {"beta.kubernetes.io/os": "linux"},
    }
    response = await api.raw("POST", PODS, sent)
    assert response.status == 201, response.body
    assert response.headers["Warning"].split("\n") == [
        f'299 - "metadata.annotations[{key}]: deprecated since v1.30; use the \\"appArmorProfile\\" field instead"',
        '299 - "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \\"kubernetes.io/os\\" instead"',
    ]
    made = await api.get(f"{PODS}/{sent['metadata']['name']}")
    assert made["spec"]["containers"][0]["securityContext"] == {"appArmorProfile": {"type": "RuntimeDefault"}}
    made["metadata"]["labels"] = {"a": "b"}
    changed = await api.raw("PUT", f"{PODS}/{made['metadata']['name']}", made)
    assert changed.status == 200
    assert "Warning" not in changed.headers
