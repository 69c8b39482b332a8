"""Admission webhooks of a server that may have none: what asks them is loaded with the first configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.apiserver.admission.framework import Review

if TYPE_CHECKING:
    from steersman.apiserver.server import App
    from steersman.apiserver.webhook.admission import AdmissionWebhooks

_GROUP = "admissionregistration.k8s.io"


class Gate:
    """Passes reviews on to webhooks while there are any."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._webhooks: AdmissionWebhooks | None = None

    async def mutate(self, review: Review) -> None:
        if self._any("mutatingwebhookconfigurations"):
            await self._loaded().mutate(review)

    async def validate(self, review: Review) -> None:
        if self._any("validatingwebhookconfigurations"):
            await self._loaded().validate(review)

    def _any(self, plural: str) -> bool:
        registry = self._app.registries.find(_GROUP, plural)
        return registry is not None and registry.cache.count() > 0

    def _loaded(self) -> AdmissionWebhooks:
        if self._webhooks is None:
            from steersman.apiserver.webhook.admission import AdmissionWebhooks

            self._webhooks = AdmissionWebhooks(self._app)
        return self._webhooks

    def close(self) -> None:
        if self._webhooks is not None:
            self._webhooks.close()
