"""Policies with bindings, and what they are about."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import Api
from tests.apiserver.crd.conftest import crds as crds

GROUP = "/apis/admissionregistration.k8s.io/v1"
VALIDATING, VALIDATING_BINDINGS = f"{GROUP}/validatingadmissionpolicies", f"{GROUP}/validatingadmissionpolicybindings"
MUTATING, MUTATING_BINDINGS = f"{GROUP}/mutatingadmissionpolicies", f"{GROUP}/mutatingadmissionpolicybindings"
RULE = {"operations": ["CREATE", "UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}


def _policy(spec: dict[str, Any], name: str) -> dict[str, Any]:
    match = {"resourceRules": [{**RULE, **spec.pop("rule", {})}], **spec.pop("match", {})}
    return {"metadata": {"name": name}, "spec": {"matchConstraints": match, **spec}}


class Policies:
    """Configures the server."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def validate(self, *expressions: str | dict[str, Any], name: str = "p", **spec: Any) -> None:
        """A policy, by default for new and changed configmaps, with a binding of the same name that denies."""
        binding = {"validationActions": spec.pop("actions", ["Deny"]), **spec.pop("binding", {})}
        given = [e if isinstance(e, dict) else {"expression": e} for e in expressions]
        policy = _policy({"validations": given, **spec}, name)
        await self.api.post(VALIDATING, policy)
        await self.api.post(VALIDATING_BINDINGS, _binding(name, binding))

    async def mutate(self, *expressions: str, name: str = "p", **spec: Any) -> None:
        """As above, with `Object{…}` or `[JSONPatch{…}]`."""
        binding = spec.pop("binding", {})
        policy = _policy({"mutations": [mutation(e) for e in expressions], "reinvocationPolicy": "Never", **spec}, name)
        await self.api.post(MUTATING, policy)
        await self.api.post(MUTATING_BINDINGS, _binding(name, binding))


def mutation(expression: str) -> dict[str, Any]:
    if expression.lstrip().startswith("Object"):
        return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


def _binding(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"policyName": name, **spec}}


@pytest.fixture
def policies(api: Api) -> Policies:
    return Policies(api)
