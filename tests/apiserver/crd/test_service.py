"""Definitions that come, change and go, and what is served meanwhile."""

from __future__ import annotations

from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version


async def test_comes_and_goes(crds: Customs) -> None:
    await crds.get(path(), code=404)
    await crds.define(definition())
    made = await crds.post(path(), custom(spec={"a": 1}))
    assert made["spec"] == {"a": 1}
    assert made["metadata"]["generation"] == 1
    assert (await crds.get(path() + "/a")) == made
    listed = await crds.get(path())
    assert listed["kind"] == "CronTabList"
    assert listed["items"] == [made]
    await crds.delete(f"{CRDS}/crontabs.{GROUP}")
    await crds.gone(f"{CRDS}/crontabs.{GROUP}")
    await crds.get(path(), code=404)
    await crds.define(definition())
    assert (await crds.get(path()))["items"] == []


async def test_validation_and_defaults(crds: Customs) -> None:
    schema = spec_schema(replicas={"type": "integer", "default": 3, "minimum": 1}, image={"type": "string"})
    await crds.define(definition("CronTab", version(schema=schema)))
    made = await crds.post(path(), custom(spec={"image": "x", "other": 1}))
    assert made["spec"] == {"image": "x", "replicas": 3}
    answer = await crds.post(path(), custom("b", spec={"replicas": "x"}), code=422)
    assert answer["message"] == (
        'CronTab.stable.example.com "b" is invalid: spec.replicas: Invalid value: "string": spec.replicas in body must be '
        'of type integer: "string"'
    )
    answer = await crds.post(path() + "?fieldValidation=Strict", custom("b", spec={"other": 1}), code=400)
    assert 'strict decoding error: unknown field "spec.other"' in answer["message"]
