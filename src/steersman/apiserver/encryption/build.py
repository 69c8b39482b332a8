"""From a configuration to the providers that it names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.encryption import configuration
from steersman.apiserver.encryption.built import Built, Dial
from steersman.apiserver.encryption.configuration import Keys
from steersman.apiserver.encryption.configuration import Provider as Given
from steersman.apiserver.encryption.kms import KMSProvider
from steersman.apiserver.encryption.providers import Keyed
from steersman.apiserver.encryption.table import Chain, GroupResource, Provider, Table, Unchanged, group_resource


def build(data: bytes, where: Path, clock: Clock, dial: Dial) -> Built:
    """Makes the providers of a file's content. Raises ConfigurationError. No plugin is asked yet."""
    config = configuration.parse(data, where)
    plugins: dict[str, KMSProvider] = {}
    rules: dict[GroupResource, list[Provider]] = {}
    for rule in config.resources or []:
        providers = [_provider(given, clock, dial, plugins, where) for given in rule.providers or []]
        for text in rule.resources or []:
            rules.setdefault(group_resource(text), []).extend(providers)
    table = Table({name: Chain(providers) for name, providers in rules.items()})
    return Built(table, plugins, f"sha256:{hashlib.sha256(data).hexdigest()}")


def _provider(given: Given, clock: Clock, dial: Dial, plugins: dict[str, KMSProvider], where: Path) -> Provider:
    for name, keys in (("aesgcm", given.aesgcm), ("aescbc", given.aescbc), ("secretbox", given.secretbox)):
        if keys is not None:
            return _keyed(name, keys, where)
    if given.kms is None:
        return Unchanged()
    kms = given.kms
    found = plugins[kms.name] = KMSProvider(kms.name, dial(kms.endpoint, configuration.timeout_of(kms)), clock)
    return found


def _keyed(name: str, keys: Keys, where: Path) -> Keyed:
    try:
        return Keyed(name, [(key.name, configuration.secret_of(key)) for key in keys.keys or []])
    except ImportError as error:
        raise ConfigurationError(f"{where}: secretbox needs the package PyNaCl (steersman[secretbox])") from error
