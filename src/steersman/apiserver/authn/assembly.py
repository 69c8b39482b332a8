"""The methods that may have to wait (issuers of JSON Web Tokens, the webhook), made of the settings, and again when they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steersman.api import field
from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.authn import configuration, tokenwebhook, validation
from steersman.apiserver.authn.chain import Authenticator
from steersman.apiserver.authn.fetching import BackendFetcher, Fetcher
from steersman.apiserver.authn.oidc import Issuers, JWTMethod
from steersman.apiserver.authn.settings import Anonymous, Authentication, Webhook
from steersman.apiserver.authn.users import Agnostic, Method
from steersman.apiserver.authn.validation import Compiled
from steersman.apiserver.backend import Backends
from steersman.apiserver.reloading import Reloading
from steersman.apiserver.webhook import kubeconfig
from steersman.apiserver.webhook.asking import Connection
from steersman.pki import jose


@dataclass(frozen=True, slots=True)
class Configured:
    """What a file says."""

    issuers: tuple[Compiled, ...] = ()
    anonymous: Anonymous | None = None


class Assembly:
    """Gives `authenticator` its last methods, and new ones as long as `run` runs and a file changes."""

    def __init__(
        self,
        authenticator: Authenticator,
        settings: Authentication,
        clock: Clock,
        backends: Backends,
        own_issuers: Sequence[str],
        fetcher: Fetcher | None = None,
    ) -> None:
        """`own_issuers` are those of service account tokens. Raises ConfigurationError."""
        self._authenticator, self._settings, self._clock = authenticator, settings, clock
        self._fetcher = fetcher or BackendFetcher(backends)
        self._agnostic = Agnostic(authenticator.audiences)
        self._single: tuple[Method, ...] = ()
        if settings.jwt:
            config = configuration.AuthenticationConfiguration(jwt=list(settings.jwt))
            single = _checked(config, own_issuers, "oidc").issuers
            self._single = self._methods(single, settings.jwt_algorithms)
        self._last: tuple[Method, ...] = ()
        if settings.webhook is not None:
            self._last = (_webhook(settings.webhook, clock, backends, authenticator.audiences),)
        self.reloading: Reloading[Configured] | None = None
        file = settings.file
        if file is not None:
            allowed = settings.anonymous.enabled
            self.reloading = Reloading(
                file, lambda data: self._unchanged(read(data, file, own_issuers, anonymous=allowed)), clock, self._taken
            )
        self._take(self.reloading.current if self.reloading is not None else Configured())

    def _unchanged(self, configured: Configured) -> Configured:
        """The same, if it says of anonymous requests what was said at the start. Raises ConfigurationError.

        Whether a cluster is open to anybody is decided when it starts, as upstream, not by whoever can write a file later.
        """
        if self.reloading is not None and configured.anonymous != self.reloading.current.anonymous:
            changed = field.forbidden(field.Path("anonymous"), "changed from initial configuration file")
            raise ConfigurationError.of(str(self._settings.file), [changed])
        return configured

    async def run(self) -> None:
        """Look after the file, until cancelled."""
        if self.reloading is not None:
            await self.reloading.run()

    async def _taken(self, configured: Configured) -> None:
        self._take(configured)

    def _take(self, configured: Configured) -> None:
        issuers = self._methods(configured.issuers, jose.ALGORITHMS)
        self._authenticator.take((*self._single, *issuers, *self._last), configured.anonymous)

    def _methods(self, issuers: Sequence[Compiled], algorithms: Sequence[str]) -> tuple[Method, ...]:
        made = [JWTMethod(one, self._fetcher, self._clock, self._agnostic, algorithms) for one in issuers]
        return (Issuers(made, self._clock),) if made else ()


def read(data: bytes, file: Path, own_issuers: Sequence[str], *, anonymous: bool = True) -> Configured:
    """What a file's content means. It says nothing of who is anonymous where `anonymous` is off. Raises ConfigurationError."""
    found = _checked(configuration.decode(data, file), own_issuers, file)
    if found.anonymous is not None and not anonymous:
        raise ConfigurationError(
            f"{file}: anonymous: cannot be configured where the setting anonymous-auth is off (as it is with authorization mode AlwaysAllow)"
        )
    return found


def _checked(
    config: configuration.AuthenticationConfiguration, own_issuers: Sequence[str], where: Path | str
) -> Configured:
    issuers, errors = validation.compiled(config, own_issuers)
    if errors:
        raise ConfigurationError.of(where, errors)
    return Configured(tuple(issuers), configuration.anonymous_of(config))


def _webhook(settings: Webhook, clock: Clock, backends: Backends, own: Sequence[str]) -> Method:
    if settings.version not in tokenwebhook.VERSIONS:
        listed = ", ".join(f'"{version}"' for version in tokenwebhook.VERSIONS)
        raise ConfigurationError(
            f'unsupported authentication webhook version "{settings.version}", supported versions are {listed}'
        )
    post = Connection(kubeconfig.read(settings.kubeconfig), backends)
    return tokenwebhook.WebhookTokens(post, clock, own, settings.version, settings.cache_ttl)
