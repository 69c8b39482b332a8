"""Who the server is to admission webhooks: users of a kubeconfig that are named like the hosts, as WebhookAdmissionConfiguration says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from steersman.api import kubeconfig
from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.apiserver.admission.given import Given
from steersman.apiserver.webhook.kubeconfig import NOBODY, Identity, identity

_DEFAULT_PORT = 443


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    kubeConfigFile: str = ""
    staticManifestsDir: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """`users` by name: `host:port`, `host` for the port of HTTPS, with `*.` in the place of the first labels, or `*`. For all
    other hosts the server is `anybody`."""

    users: Mapping[str, Identity] = field(default_factory=dict)
    anybody: Identity = NOBODY

    def at(self, host: str, port: int) -> Identity:
        """Who the server is there; the service S of namespace N is the host `S.N.svc`."""
        named = f"[{host}]" if ":" in host else host
        for name in (f"{named}:{port}", named) if port == _DEFAULT_PORT else (f"{named}:{port}",):
            for candidate in _candidates(name):
                if (found := self.users.get(candidate)) is not None:
                    return found
        return self.users.get("*", self.anybody)


def _candidates(name: str) -> list[str]:
    """The name, and what it is one of: the more labels they share, the sooner."""
    labels = name.split(".")
    return [name, *(f"*.{'.'.join(labels[i:])}" for i in range(1, len(labels)))]


def read(path: Path) -> Credentials:
    """The users of a kubeconfig; that of the current context is for all other hosts. Raises ConfigurationError."""
    config = kubeconfig.parse(read_bytes(path), path)
    users: dict[str, Identity] = {}
    for name, user in kubeconfig.entries(config, "users").items():
        try:
            users[name] = identity(user, path.parent)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{path}: users: {name!r}: {error}") from error
    chosen = kubeconfig.entries(config, "contexts").get(str(config.get("current-context") or ""), {})
    return Credentials(users, users.get(str(chosen.get("user") or ""), NOBODY))


def configured(given: Given | None) -> Credentials | None:
    """What a plugin's configuration says of them. Raises ConfigurationError."""
    if given is None:
        return None
    said = given.read({("apiserver.config.k8s.io/v1", "WebhookAdmissionConfiguration"): _Configuration})
    if said.staticManifestsDir:
        raise ConfigurationError(
            f"{given.where}: staticManifestsDir: Forbidden: configurations from files are not served"
        )
    if not said.kubeConfigFile:
        return None
    path = Path(said.kubeConfigFile)
    if not path.is_absolute():
        what = f'kubeConfigFile: Invalid value: "{path}": must be an absolute file path'
        raise ConfigurationError(f"{given.where}: {what}")
    return read(path)
