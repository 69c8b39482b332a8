"""Whoever configures a policy must be allowed to read the parameters that it reads for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.errors import Invalid
from steersman.api.field import Path
from steersman.api.http import User
from steersman.api.identities import MASTERS
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.authz import Attributes
from steersman.apiserver.policies import params
from steersman.kinds.types.admissionregistration_v1 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    ParamKind,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)

if TYPE_CHECKING:
    from steersman.apiserver.server import App

    Policy = MutatingAdmissionPolicy | ValidatingAdmissionPolicy
    Binding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding

_POLICIES = {
    MutatingAdmissionPolicyBinding: MutatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding: ValidatingAdmissionPolicy,
}


async def check(app: App, review: Review) -> None:
    """Raise Invalid for a new reference to parameters that the user may not read."""
    new, old, user = review.object, review.old, review.user
    if MASTERS in user.groups:
        return
    if isinstance(new, MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding):
        where, problem = "paramRef", await _binding_problem(app, new, old, user)
    else:
        where, problem = "paramKind", await _policy_problem(app, new, old, user)
    if problem:
        raise Invalid.of(review.resource, new.metadata.name, [field.forbidden(Path("spec", where), problem)])


async def _policy_problem(app: App, policy: Policy, old: Policy | None, user: User) -> str:
    kind = policy.spec.paramKind
    if kind is None or (old is not None and old.spec.paramKind == kind):
        return ""
    if await _may_read(app, user, kind, "*", "*"):
        return ""
    what = f"paramKind (kind={kind.kind}, apiVersion={kind.apiVersion})"
    return f'user {_shown(user)} must have "get" permission on all objects of the referenced {what}'


async def _binding_problem(app: App, binding: Binding, old: Binding | None, user: User) -> str:
    spec = binding.spec
    ref = spec.paramRef
    if ref is None or (old is not None and (old.spec.paramRef, old.spec.policyName) == (ref, spec.policyName)):
        return ""
    policy = app.registries.get(_POLICIES[type(binding)], "", spec.policyName)
    kind = policy.spec.paramKind if policy is not None else None
    if await _may_read(app, user, kind, ref.namespace, ref.name):
        return ""
    return f'user {_shown(user)} does not have "get" permission on the object referenced by paramRef'


async def _may_read(app: App, user: User, kind: ParamKind | None, namespace: str, name: str) -> bool:
    group, plural = "*", "*"
    if kind is not None:
        group = kind.apiVersion.rpartition("/")[0]
        endpoint = params.find(app, kind)
        plural = endpoint.served.resource.plural if endpoint is not None else "*"
    return await app.authorizer.allowed(Attributes(user, "get", True, group, plural, "", namespace, name, ""))


def _shown(user: User) -> str:
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[]}}"
