"""A container's environment: service variables, envFrom, env with references expanded, in Kubernetes' order of precedence."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from steersman.api.errors import NotFound
from steersman.kinds.types.core_v1 import ConfigMap, Container, EnvVar, Pod, Secret, Service
from steersman.kubelet.downward import NodeFacts, field_value, resource_value
from steersman.kubelet.expansion import expand


class ConfigError(Exception):
    """The container cannot be configured as its spec says (CreateContainerConfigError)."""


class ObjectSource(Protocol):
    """Where the kubelet gets the objects that pods refer to; raises NotFound."""

    async def config_map(self, namespace: str, name: str) -> ConfigMap: ...

    async def secret(self, namespace: str, name: str) -> Secret: ...


def service_variables(services: Iterable[Service], namespace: str, links: bool) -> dict[str, str]:
    """`<NAME>_SERVICE_HOST` and the rest for the master service, and with `links` for all of the pod's namespace."""
    out: dict[str, str] = {}
    for service in sorted(services, key=lambda s: (s.metadata.namespace, s.metadata.name)):
        meta = service.metadata
        master = meta.namespace == "default" and meta.name == "kubernetes"
        if not (master or (links and meta.namespace == namespace)):
            continue
        if service.spec.clusterIP in ("", "None"):
            continue
        out |= _variables_of(service)
    return out


def _variables_of(service: Service) -> dict[str, str]:
    prefix = service.metadata.name.upper().replace("-", "_")
    ip = service.spec.clusterIP or ""
    ports = service.spec.ports or []
    out = {f"{prefix}_SERVICE_HOST": ip}
    if ports:
        out[f"{prefix}_SERVICE_PORT"] = str(ports[0].port)
    for port in ports:
        if port.name:
            out[f"{prefix}_SERVICE_PORT_{port.name.upper().replace('-', '_')}"] = str(port.port)
    for index, port in enumerate(ports):
        protocol = (port.protocol or "TCP").lower()
        url = f"{protocol}://{ip}:{port.port}"
        if index == 0:
            out[f"{prefix}_PORT"] = url
        name = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        out |= {name: url, f"{name}_PROTO": protocol, f"{name}_PORT": str(port.port), f"{name}_ADDR": ip}
    return out


@dataclass(frozen=True, slots=True)
class EnvContext:
    """What values may come from."""

    pod: Pod
    node: NodeFacts
    pod_ips: tuple[str, ...]
    services: Mapping[str, str]
    objects: ObjectSource


async def container_env(container: Container, context: EnvContext) -> Sequence[tuple[str, str]]:
    """All variables, the last of a name winning; raises ConfigError when something required is missing."""
    values: dict[str, str] = {}
    for source in container.envFrom or []:
        namespace = context.pod.metadata.namespace
        if source.configMapRef:
            ref = source.configMapRef
            data = await _config_map_data(context.objects, namespace, ref.name, bool(ref.optional))
        elif source.secretRef:
            secret = source.secretRef
            found = await _secret_data(context.objects, namespace, secret.name, bool(secret.optional))
            data = {key: _text(value, f"{namespace}/{secret.name}", key) for key, value in found.items()}
        else:
            data = {}
        values |= {source.prefix + key: value for key, value in data.items()}
    for variable in container.env or []:
        value = await _value(variable, container, context, {**context.services, **values})
        if value is not None:
            values[variable.name] = value
    return list({**context.services, **values}.items())


async def _value(variable: EnvVar, container: Container, context: EnvContext, known: Mapping[str, str]) -> str | None:
    """The variable's value; None when an optional reference is missing."""
    source = variable.valueFrom
    if source is None:
        return expand(variable.value, known)
    if source.fieldRef:
        return field_value(context.pod, source.fieldRef, context.node, context.pod_ips)
    if source.resourceFieldRef:
        return resource_value(container, source.resourceFieldRef, context.node)
    namespace = context.pod.metadata.namespace
    if source.configMapKeyRef:
        ref = source.configMapKeyRef
        data = await _config_map_data(context.objects, namespace, ref.name, bool(ref.optional))
        return _key(data, ref.key, bool(ref.optional), "ConfigMap", f"{namespace}/{ref.name}")
    if source.secretKeyRef:
        secret, where = source.secretKeyRef, f"{namespace}/{source.secretKeyRef.name}"
        data = await _secret_data(context.objects, namespace, secret.name, bool(secret.optional))
        value = _key(data, secret.key, bool(secret.optional), "Secret", where)
        # What else the Secret has may be anything.
        return None if value is None else _text(value, where, secret.key)
    raise ConfigError(f"the source of variable {variable.name} is not supported")


def _key(data: Mapping[str, str], key: str, optional: bool, kind: str, where: str) -> str | None:
    if key not in data and not optional:
        raise ConfigError(f"couldn't find key {key} in {kind} {where}")
    return data.get(key)


async def _config_map_data(objects: ObjectSource, namespace: str, name: str, optional: bool) -> Mapping[str, str]:
    try:
        return (await objects.config_map(namespace, name)).data or {}
    except NotFound as error:
        if optional:
            return {}
        raise ConfigError(error.message) from error


async def _secret_data(objects: ObjectSource, namespace: str, name: str, optional: bool) -> Mapping[str, str]:
    """The values are in base64."""
    try:
        return (await objects.secret(namespace, name)).data or {}
    except NotFound as error:
        if optional:
            return {}
        raise ConfigError(error.message) from error


def _text(value: str, where: str, key: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"key {key} in Secret {where} is not valid UTF-8") from error
