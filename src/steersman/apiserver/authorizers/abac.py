"""The ABAC authorizer: a file with a policy in each line, read once at the start."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from msgspec import Struct

from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.api.http import User
from steersman.api.identities import AUTHENTICATED
from steersman.apiserver.authz import ALLOWED, Attributes, Decision, Local, Rule, Rules, Verdict, path_fits

_VERSIONED = "abac.authorization.kubernetes.io/v1beta1"
_READING = ("get", "list", "watch")
_NONE = Decision(Verdict.NO_OPINION, "No policy matched.")


class Policy(Struct, forbid_unknown_fields=True):
    """What a user or a group may do."""

    user: str = ""
    group: str = ""
    readonly: bool = False
    apiGroup: str = ""
    resource: str = ""
    namespace: str = ""
    nonResourcePath: str = ""

    def plain(self) -> Policy:
        """With the group that a star stands for."""
        if "*" in (self.user, self.group):
            return msgspec.structs.replace(self, user="", group=AUTHENTICATED)
        return self

    def covers(self, user: User) -> bool:
        if self.user and self.user != user.name:
            return False
        if self.group and self.group not in user.groups:
            return False
        return bool(self.user or self.group)

    def allows(self, a: Attributes) -> bool:
        if self.readonly and a.verb not in _READING:
            return False
        if not a.is_resource:
            return path_fits(self.nonResourcePath, a.path)
        return (
            self.namespace in ("*", a.namespace)
            and self.resource in ("*", a.resource)
            and self.apiGroup in ("*", a.group)
        )


class _Old(Struct, forbid_unknown_fields=True):
    """A policy without a version."""

    user: str = ""
    group: str = ""
    readonly: bool = False
    resource: str = ""
    namespace: str = ""

    def policy(self) -> Policy:
        # In those days, nothing said was everything.
        group = self.group if self.user or self.group else AUTHENTICATED
        path = "" if self.namespace or self.resource else "*"
        return Policy(self.user, group, self.readonly, "*", self.resource or "*", self.namespace or "*", path).plain()


class ABAC(Local):
    """Allows what any of the policies allows."""

    def __init__(self, policies: list[Policy], name: str = "abac") -> None:
        super().__init__(name)
        self._policies = policies

    def decide(self, attributes: Attributes) -> Decision:
        for policy in self._policies:
            if policy.covers(attributes.user) and policy.allows(attributes):
                return ALLOWED
        return _NONE

    def rules(self, user: User, namespace: str) -> Rules:
        found = Rules()
        for policy in self._policies:
            if policy.covers(user) and policy.namespace in ("*", namespace):
                verbs = _READING if policy.readonly else ("*",)
                if policy.resource:
                    found.rules.append(Rule(verbs, (policy.apiGroup,), (policy.resource,)))
                if policy.nonResourcePath:
                    found.rules.append(Rule(verbs, paths=(policy.nonResourcePath,)))
        return found


def read(file: Path) -> list[Policy]:
    """Raises ConfigurationError, which names the line."""
    found: list[Policy] = []
    for number, line in enumerate(read_bytes(file).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        try:
            found.append(_policy(json.loads(text)))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"error reading policy file {file}, line {number}: {error}") from error
    return found


def _policy(value: object) -> Policy:
    """Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    if "apiVersion" not in value and "kind" not in value:
        return msgspec.convert(value, _Old).policy()
    if value.get("apiVersion") != _VERSIONED or value.get("kind") != "Policy":
        raise ValueError(f"must be a Policy of {_VERSIONED}")
    return msgspec.convert(value.get("spec") or {}, Policy).plain()
