"""Admission by policies: mutating and validating ones together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.apiserver.admission.framework import Review
from steersman.apiserver.policies.mutating import MutatingPolicies
from steersman.apiserver.policies.validating import ValidatingPolicies

if TYPE_CHECKING:
    from steersman.apiserver.server import App


class AdmissionPolicies:
    """All admission policies of one server."""

    def __init__(self, app: App) -> None:
        self._mutating, self._validating = MutatingPolicies(app), ValidatingPolicies(app)

    async def mutate(self, review: Review) -> None:
        await self._mutating.mutate(review)

    async def validate(self, review: Review) -> None:
        await self._validating.validate(review)

    def close(self) -> None:
        self._mutating.close()
        self._validating.close()
