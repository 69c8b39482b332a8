"""Webhooks, or policies, of a server that may have none: what asks them is loaded with the first configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from steersman.apiserver.admission.framework import Review, Reviewer
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_GROUP = "admissionregistration.k8s.io"
_CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


def _webhooks(app: App) -> Reviewer:
    from steersman.apiserver.webhook.admission import AdmissionWebhooks

    return AdmissionWebhooks(app)


class Gate:
    """Passes reviews on while there is anybody to be asked, from `start` to `close`: nobody can keep a server from starting.

    `plurals` are the resources that say who mutates, and who validates; `load` makes what asks them.
    """

    def __init__(
        self,
        app: App,
        plurals: tuple[str, str] = _CONFIGURATIONS,
        load: Callable[[App], Reviewer] = _webhooks,
    ) -> None:
        self._app, self._plurals, self._load = app, plurals, load
        self._reviewer: Reviewer | None = None
        # Whether there are any that mutate, and any that validate; None after a change.
        self._any: tuple[bool, bool] | None = (False, False)
        self._unobserve: Callable[[], None] | None = None

    def start(self) -> None:
        self._any = None
        self._unobserve = self._app.store.observe(f"/registry/{_GROUP}/", self._changed)

    def _changed(self, events: Sequence[Event]) -> None:
        self._any = None

    async def mutate(self, review: Review) -> None:
        mutating, _ = self._any or self._look()
        if mutating:
            await self._loaded().mutate(review)

    async def validate(self, review: Review) -> None:
        _, validating = self._any or self._look()
        if validating:
            await self._loaded().validate(review)

    def _look(self) -> tuple[bool, bool]:
        found = [self._app.registries.find(_GROUP, plural) for plural in self._plurals]
        mutating, validating = (registry is not None and registry.cache.count() > 0 for registry in found)
        self._any = mutating, validating
        return self._any

    def _loaded(self) -> Reviewer:
        if self._reviewer is None:
            self._reviewer = self._load(self._app)
        return self._reviewer

    def close(self) -> None:
        self._any = (False, False)
        if self._unobserve is not None:
            self._unobserve()
        if self._reviewer is not None:
            self._reviewer.close()
