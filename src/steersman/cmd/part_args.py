"""The user's own settings of a cluster's parts: `--apiserver-arg NAME=VALUE` and `--kubelet-arg NAME=VALUE`, where NAME is a flag."""

import dataclasses
import os
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from steersman.cmd.config import ApiServerConfig, KubeletConfig
from steersman.cmd.configfile import ConfigError, key_of, parse_setting

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")


@dataclasses.dataclass(frozen=True)
class PartArgs(Generic[C]):
    """What may be given to one part.

    `ours` are the cluster's own: other parts are configured to match, or `steer up` has an option for them. `verify` raises
    ValueError for a value, by its field, that is of the right type and wrong all the same.
    """

    part: str
    kind: type[C]
    ours: frozenset[str]
    verify: Callable[[str, Any], None]

    def check(self, name: str, value: str) -> tuple[str, str]:
        """The setting as a cluster's configuration keeps it: the field's name, and the value with files' paths made absolute.

        An empty value is the default again. Raises ConfigError.
        """
        field = self._field(name)
        if value:
            value = _absolute(field.name, value)
            self._parsed(field, value)
        return field.name, value

    def apply(self, config: C, given: Mapping[str, str]) -> C:
        """The configuration with the user's settings on top. Raises ConfigError."""
        values = {name: self._parsed(self._field(name), value) for name, value in given.items() if value}
        return dataclasses.replace(config, **values)

    def _field(self, name: str) -> "dataclasses.Field[Any]":
        wanted = name.strip("-").replace("-", "_")
        for field in dataclasses.fields(self.kind):
            if field.name == wanted and wanted not in self.ours:
                return field
        missing = f"is no setting; `steer {self.part} --help` shows them"
        raise ConfigError(f"{name}: {'is set by `steer up` itself' if wanted in self.ours else missing}")

    def _parsed(self, field: "dataclasses.Field[Any]", value: str) -> Any:
        where = key_of(field.name)
        parsed = parse_setting(field, typing.get_type_hints(self.kind)[field.name], value, where)
        try:
            self.verify(field.name, parsed)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
        return parsed


def _absolute(name: str, value: str) -> str:
    """The part runs in another directory than whoever types the command. `-` is the standard output."""
    is_path = name.endswith(("_file", "_dir", "_path", "_config")) and name != "runtime_config"
    if not is_path or value == "-":
        return value
    # A list of files, perhaps.
    return ",".join(os.path.abspath(os.path.expanduser(file)) for file in value.split(","))


def _verify(name: str, value: Any) -> None:
    if name in ("tls_min_version", "tls_cipher_suites"):
        from steersman.http import tls

        tls.check_version(value) if name == "tls_min_version" else tls.check_suites(value)


def _verify_kubelet(name: str, value: Any) -> None:
    _verify(name, value)
    if name == "allowed_unsafe_sysctls":
        from steersman.kubelet.sysctls import Allowlist

        Allowlist.of(value)
    elif name == "node_labels":
        from steersman.api.names import label_value, qualified_name

        for label, content in value.items():
            for message in (*qualified_name(label), *label_value(content)):
                raise ValueError(f"{label}={content}: {message}")


APISERVER = PartArgs("apiserver", ApiServerConfig, frozenset({
    "store", "bind_addresses", "port", "advertise_address", "client_ca_file", "runtime_config", "service_cluster_ip_range",
    "tls_cert_file", "tls_key_file",
}), _verify)  # fmt: skip
KUBELET = PartArgs("kubelet", KubeletConfig, frozenset({
    "kubeconfig", "bootstrap_kubeconfig", "cert_dir", "server_tls_bootstrap", "node_name", "node_ip", "pod_cidr", "root_dir",
    "pod_logs_dir", "container_runtime_endpoint", "bind_address", "port", "tls_cert_file", "tls_key_file", "client_ca_file",
    "cluster_dns", "cgroup_root", "simulate", "simulated_name_prefix",
}), _verify_kubelet)  # fmt: skip
