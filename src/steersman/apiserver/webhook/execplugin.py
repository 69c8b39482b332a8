"""Credential plugins: programs that say who the server is to a webhook (`exec` of a kubeconfig, client.authentication.k8s.io)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from steersman.api.clock import Clock, RealClock
from steersman.apiserver.webhook.answers import Answers
from steersman.http import programs

_GROUP = "client.authentication.k8s.io"
_VERSIONS = tuple(f"{_GROUP}/{version}" for version in ("v1", "v1beta1"))
_MODES = ("Never", "IfAvailable", "Always")
_INFO = "KUBERNETES_EXEC_INFO"
# Of what a program says.
_MOST, _PIECE = 1024 * 1024, 64 * 1024
_SECONDS = 60.0
_ONLY = b""


class PluginError(ValueError):
    """A program has not said who the server is; the text says why, and holds no credential."""


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """What a program gives; a certificate comes with its key."""

    token: str = ""
    certificate: str = ""
    key: str = ""


class _Status(msgspec.Struct):
    token: str = ""
    clientCertificateData: str = ""
    clientKeyData: str = ""
    expirationTimestamp: datetime | None = None


class _Credential(msgspec.Struct):
    apiVersion: str = ""
    kind: str = ""
    status: _Status | None = None


class Plugin:
    """Runs a program when there is nothing from it, or no longer. `cluster` is what it is told about where that is for."""

    def __init__(
        self,
        command: Sequence[str],
        version: str,
        env: Mapping[str, str],
        cluster: Mapping[str, Any] | None = None,
        hint: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._command, self._version, self._hint = tuple(command), version, hint
        self._clock = clock or RealClock()
        spec: dict[str, Any] = {"interactive": False, **({"cluster": cluster} if cluster is not None else {})}
        info = {"kind": "ExecCredential", "apiVersion": version, "spec": spec}
        self._env = {**env, _INFO: json.dumps(info)}
        self._answers: Answers[Issued] = Answers(self._clock, 1)

    async def issued(self) -> Issued:
        """What counts now. Raises PluginError."""
        found = self._answers.get(_ONLY)
        return found if found is not None else await self._answers.ask(_ONLY, self._asked)

    def refused(self, issued: Issued) -> None:
        """A server does not take it: the next time the program is asked for something else."""
        if self._answers.get(_ONLY) is issued:
            self._answers.forget(_ONLY)

    async def _asked(self) -> tuple[Issued, float]:
        try:
            async with asyncio.timeout(_SECONDS):
                said = await self._run()
        except TimeoutError:
            raise self._failed(f"has not ended within {_SECONDS:g} seconds") from None
        return self._read(said)

    async def _run(self) -> bytes:
        try:
            async with programs.running(self._command, env={**os.environ, **self._env}) as (process, output):
                said = b""
                while more := await output.read(_PIECE):
                    said += more
                    if len(said) > _MOST:
                        raise self._failed("says too much")
                code = await process.wait()
        except OSError as error:
            hint = f"; {self._hint}" if self._hint else ""
            raise self._failed(f"cannot be started: {error.strerror}{hint}") from error
        if code:
            raise self._failed(f"failed with exit code {code}")
        return said

    def _read(self, said: bytes) -> tuple[Issued, float]:
        try:
            credential = msgspec.json.decode(said, type=_Credential)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # What is wrong with it could show what it holds.
            raise self._failed("has not said an ExecCredential") from None
        if credential.apiVersion != self._version:
            what = f"is configured to use API version {self._version}, plugin returned version {credential.apiVersion}"
            raise self._failed(what)
        status = credential.status
        if status is None:
            raise self._failed("didn't return a status field")
        if not (status.token or status.clientCertificateData or status.clientKeyData):
            raise self._failed("didn't return a token or cert/key pair")
        if bool(status.clientCertificateData) != bool(status.clientKeyData):
            raise self._failed("returned only certificate or key, not both")
        issued = Issued(status.token, status.clientCertificateData, status.clientKeyData)
        expires = status.expirationTimestamp
        return issued, inf if expires is None else expires.timestamp() - self._clock.time()

    def _failed(self, why: str) -> PluginError:
        return PluginError(f"getting credentials: exec plugin {self._command[0]} {why}")


def plugin_of(said: Any, here: Path, cluster: Mapping[str, Any] | None) -> Plugin:
    """The `exec` of a user. Raises ValueError for what is no such thing, or nothing for a server."""
    if not isinstance(said, Mapping):
        raise ValueError("user.exec: must be an object")
    command, version = str(said.get("command") or ""), str(said.get("apiVersion") or "")
    if not command:
        raise ValueError("user.exec.command: Required value")
    if version not in _VERSIONS:
        raise ValueError(f"user.exec.apiVersion: must be one of {', '.join(_VERSIONS)}, not {version!r}")
    # The older version had none of it, and a default.
    mode = str(said.get("interactiveMode") or ("IfAvailable" if version != _VERSIONS[0] else ""))
    if mode not in _MODES:
        raise ValueError(f"user.exec.interactiveMode: must be one of {', '.join(_MODES)}, not {mode!r}")
    if mode == "Always":
        raise ValueError("user.exec.interactiveMode: a server has nobody who could answer: Never or IfAvailable")
    if said.get("provideClusterInfo") and cluster is None:
        raise ValueError("user.exec.provideClusterInfo: there is no cluster here that could be told about")
    args = said.get("args") or []
    if not isinstance(args, list):
        raise ValueError("user.exec.args: must be a list")
    if os.sep in command:
        command = str(here / command)
    told = cluster if said.get("provideClusterInfo") else None
    hint = str(said.get("installHint") or "")
    return Plugin((command, *map(str, args)), version, _environment(said.get("env")), told, hint)


def _environment(said: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in said or ():
        if not isinstance(entry, Mapping) or not entry.get("name"):
            raise ValueError("user.exec.env: needs the name of each variable")
        found[str(entry["name"])] = str(entry.get("value") or "")
    return found
