"""Admission policies of a server that may have none: what evaluates them is loaded with the first binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.apiserver.admission.framework import Review, Reviewer
from steersman.apiserver.webhook.gate import Gate

if TYPE_CHECKING:
    from steersman.apiserver.server import App


def gate(app: App) -> Gate:
    return Gate(app, ("mutatingadmissionpolicybindings", "validatingadmissionpolicybindings"), _load)


def _load(app: App) -> Reviewer:
    from steersman.apiserver.policies.admission import AdmissionPolicies

    return AdmissionPolicies(app)


async def check_params(app: App, review: Review) -> None:
    """Raise Invalid for a policy or a binding with parameters that its author may not read."""
    from steersman.apiserver.policies import reading

    await reading.check(app, review)
