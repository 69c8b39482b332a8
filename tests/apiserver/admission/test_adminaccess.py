"""Access to devices past all others' claims is for namespaces that are labelled for it."""

from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.apiserver.admission.rules.adminaccess import LABEL

GROUP = "/apis/resource.k8s.io/v1/namespaces/{}/"


def claim(admin: bool) -> dict[str, Any]:
    plain = {"name": "first", "exactly": {"deviceClassName": "c"}}
    asked = {"name": "second", "exactly": {"deviceClassName": "c", "adminAccess": admin}}
    return {"metadata": {"name": "a"}, "spec": {"devices": {"requests": [plain, asked]}}}


def template(admin: bool) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"spec": claim(admin)["spec"]}}


@pytest.mark.parametrize(("plural", "made"), [("resourceclaims", claim), ("resourceclaimtemplates", template)])
async def test_who_may_have_access_as_an_administrator(api: Api, plural: str, made: Any) -> None:
    labels = {"yes": {LABEL: "true"}, "no": {LABEL: "false"}, "none": {}}
    for name, given in labels.items():
        await api.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": given}})
    for name in ("no", "none"):
        answer = await api.post(GROUP.format(name) + plural, made(True), code=422)
        assert (
            "spec.devices.requests[1].adminAccess: Forbidden: admin access to devices requires the "
            "`resource.kubernetes.io/admin-access: true` label on the containing namespace"
        ) in answer["message"]
        await api.post(GROUP.format(name) + plural, made(False))
    await api.post(GROUP.format("yes") + plural, made(True))
