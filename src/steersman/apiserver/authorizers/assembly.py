"""The chain as it is configured: its authorizers are made of the settings, and again when the file with them changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.api.metrics import Counter, Metric
from steersman.apiserver.authorizers.counting import Counts, Questions
from steersman.apiserver.authorizers.node import NodeAuthorizer
from steersman.apiserver.authorizers.settings import (
    ABAC,
    ALWAYS_ALLOW,
    ALWAYS_DENY,
    NODE,
    RBAC,
    Authorization,
    Configured,
    Webhook,
)
from steersman.apiserver.authz import Authorizer, Module
from steersman.apiserver.backend import Backends
from steersman.apiserver.rbac import RBAC as RBACAuthorizer
from steersman.apiserver.reloading import Reloading


class Authorizers:
    """Makes `authorizer`, and gives it other authorizers as long as `run` runs and the file changes."""

    def __init__(
        self, settings: Authorization, rbac: RBACAuthorizer, node: NodeAuthorizer, clock: Clock, backends: Backends
    ) -> None:
        """Raises ConfigurationError."""
        self._settings, self._rbac, self._node = settings, rbac, node
        self._clock, self._backends = clock, backends
        self._modes: dict[str, str] = {}
        self.counts = Counts()
        """Kept by the server, request by request."""
        self._questions = Questions()
        self.reloading: Reloading[list[Module]] | None = None
        file = settings.file
        if file is None:
            modules = self._modules(settings.chain)
        else:
            self.reloading = Reloading(file, lambda data: self._read(data, file), clock, self._taken)
            modules = self.reloading.current
        self.authorizer = Authorizer(modules, lambda: rbac.generation)

    async def run(self) -> None:
        """Look after the file, until cancelled."""
        if self.reloading is not None:
            await self.reloading.run()

    def metrics(self) -> Iterator[Metric]:
        """What has been decided and asked."""
        yield from self.counts.metrics()
        decisions = Counter(
            "apiserver_authorization_decisions_total", "Decisions by authorizer.", ("type", "name", "decision")
        )
        for (name, allowed), count in self.authorizer.decided.items():
            if name:
                decisions.add(self._modes.get(name, ""), name, "allowed" if allowed else "denied", by=count)
        yield decisions
        yield from self._questions.metrics()
        if self.reloading is not None:
            yield from self.reloading.reloads.metrics("authorization")

    async def _taken(self, modules: list[Module]) -> None:
        self.authorizer.replace(modules)

    def _read(self, data: bytes, file: Path) -> list[Module]:
        # What reads it is rarely needed.
        from steersman.apiserver.authorizers import configuration

        return self._modules(configuration.decode(data, file))

    def _modules(self, chain: tuple[Configured, ...]) -> list[Module]:
        return [self._module(one) for one in chain]

    def _module(self, one: Configured) -> Module:
        self._modes[one.name] = one.mode
        if one.mode == NODE:
            self._node.name = one.name
            return self._node
        if one.mode == RBAC:
            self._rbac.name = one.name
            return self._rbac
        if one.mode == ABAC:
            return self._abac(one.name)
        if one.mode in (ALWAYS_ALLOW, ALWAYS_DENY):
            from steersman.apiserver.authorizers.modes import AlwaysAllow, AlwaysDeny

            return AlwaysAllow(one.name) if one.mode == ALWAYS_ALLOW else AlwaysDeny(one.name)
        if one.webhook is None:
            raise ConfigurationError(f"authorizer {one.name}: needs the configuration of its webhook")
        return self._webhook(one.name, one.webhook)

    def _abac(self, name: str) -> Module:
        from steersman.apiserver.authorizers import abac

        if self._settings.policy_file is None:
            raise ConfigurationError("authorization-mode ABAC's authorization policy file not passed")
        return abac.ABAC(abac.read(self._settings.policy_file), name)

    def _webhook(self, name: str, settings: Webhook) -> Module:
        from steersman.apiserver.authorizers import webhook
        from steersman.apiserver.webhook import kubeconfig
        from steersman.apiserver.webhook.asking import Connection

        if settings.version not in webhook.VERSIONS:
            known = ", ".join(f'"{version}"' for version in webhook.VERSIONS)
            what = f'unsupported webhook authorizer version "{settings.version}"'
            raise ConfigurationError(f"{what}, supported versions are {known}")
        post = Connection(kubeconfig.read(settings.kubeconfig), self._backends, settings.timeout)
        return webhook.WebhookAuthorizer(
            name, post, self._clock, settings, partial(self._questions.asked, name), self._questions
        )
