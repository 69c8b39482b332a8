"""From the claims of a token that is in order to a user: mappings, rules, and the words for what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api.field import quote
from steersman.api.http import User
from steersman.api.identities import CREDENTIAL_ID, authenticated
from steersman.apiserver.authn.users import Refused

if TYPE_CHECKING:
    from steersman.apiserver.authn.validation import Compiled, Rule
    from steersman.cel import Program

Claims = Mapping[str, Any]
_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_NO_LIST = "expression must return a string or a list of strings"
_UNESCAPED = {"__underscores__": "__", "__dot__": ".", "__dash__": "-", "__slash__": "/"}


def user_of(compiled: Compiled, claims: Claims) -> User:
    """The user that these claims stand for. Raises Refused."""
    seen = Seen(claims)
    name = _username(compiled, claims, seen)
    groups = _groups(compiled, claims, seen)
    uid = _uid(compiled, claims, seen)
    extra = _extra(compiled, claims, seen)
    _check_required(compiled, claims)
    _check_rules(compiled.claim_rules, {"claims": seen}, "claim validation expression")
    user = User(name, groups, uid, extra)
    if compiled.user_rules:
        said = {
            "username": name,
            "uid": uid,
            "groups": list(groups),
            "extra": Seen({k: list(v) for k, v in extra.items()}),
        }
        _check_rules(compiled.user_rules, {"user": said}, "user info validation rule")
    return authenticated(user)


def _username(compiled: Compiled, claims: Claims, seen: Seen) -> str:
    if compiled.username is not None:
        found = _evaluated(compiled.username, {"claims": seen}, "username claim expression")
        if not isinstance(found, str):
            raise _wrong("username claim expression", "username claim expression must return a string")
        if not found:
            raise Refused("oidc: empty username via CEL expression is not allowed")
        return found
    mapping = compiled.mappings.username
    claim = mapping.claim if mapping is not None else ""
    name = _text(claims, claim, f"oidc: parse username claims {quote(claim)}")
    if claim == "email" and "email_verified" in claims and claims["email_verified"] is not True:
        if not isinstance(claims["email_verified"], bool):
            why = _mismatch(claims["email_verified"], "bool")
            raise Refused(f"oidc: parse 'email_verified' claim: {why}")
        raise Refused("oidc: email not verified")
    if not name:
        raise Refused(f"oidc: parse username claims {quote(claim)}: the claim is empty")
    return f"{mapping.prefix or ''}{name}" if mapping is not None else name


def _groups(compiled: Compiled, claims: Claims, seen: Seen) -> tuple[str, ...]:
    mapping = compiled.mappings.groups
    if mapping is not None and mapping.claim:
        found = claims.get(mapping.claim)
        if found is None:
            return ()
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(group, str) for group in listed):
            raise Refused(f"oidc: parse groups claim {quote(mapping.claim)}: {_mismatch(found, 'string')}")
        return tuple(f"{mapping.prefix or ''}{group}" for group in listed)
    if compiled.groups is None:
        return ()
    return _texts(_evaluated(compiled.groups, {"claims": seen}, "group claim expression"), "group claim expression")


def _uid(compiled: Compiled, claims: Claims, seen: Seen) -> str:
    mapping = compiled.mappings.uid
    if mapping is not None and mapping.claim:
        return _text(claims, mapping.claim, f"oidc: parse uid claim {quote(mapping.claim)}")
    if compiled.uid is None:
        return ""
    found = _evaluated(compiled.uid, {"claims": seen}, "uid claim expression")
    if not isinstance(found, str):
        raise _wrong("uid claim expression", "uid claim expression must return a string")
    return found


def _extra(compiled: Compiled, claims: Claims, seen: Seen) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    identity = claims.get("jti")
    if isinstance(identity, str) and identity:
        extra[CREDENTIAL_ID] = (f"JTI={identity}",)
    for key, program in compiled.extra:
        values = _texts(_evaluated(program, {"claims": seen}, "extra claim expression"), "extra claim expression")
        if values:
            extra[key] = values
    return extra


def _check_required(compiled: Compiled, claims: Claims) -> None:
    for rule in compiled.spec.claimValidationRules or ():
        if not rule.claim:
            continue
        if rule.claim not in claims:
            raise Refused(f"oidc: required claim {rule.claim} not present in ID token")
        found = _text(claims, rule.claim, f"oidc: parse claim {rule.claim}")
        if found != rule.requiredValue:
            told = f"Got = {found}, want = {rule.requiredValue}"
            raise Refused(f"oidc: required claim {rule.claim} value does not match. {told}")


def _check_rules(rules: tuple[Rule, ...], values: Mapping[str, Any], what: str) -> None:
    for rule in rules:
        if _evaluated(rule.program, values, what) is not True:
            raise _wrong(what, f"validation expression '{rule.program.text}' failed: {rule.message}")


# Values


def _evaluated(program: Program, values: Mapping[str, Any], what: str) -> Any:
    from steersman.cel import EvalError

    try:
        return program.evaluate(values)
    except EvalError as error:
        raise _wrong(what, f"expression '{program.text}' resulted in error: {error}") from error


def _wrong(what: str, why: str) -> Refused:
    return Refused(f"oidc: error evaluating {what}: {why}")


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """A text or several, without empty ones; null is none."""
    listed = [value] if isinstance(value, str) else ([] if value is None else value)
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise _wrong(what, _NO_LIST)
    return tuple(text for text in listed if text)


def _text(claims: Claims, name: str, start: str) -> str:
    if name not in claims:
        raise Refused(f"{start}: claim not present")
    found = claims[name]
    if not isinstance(found, str):
        raise Refused(f"{start}: {_mismatch(found, 'string')}")
    return found


def _mismatch(value: Any, wanted: str) -> str:
    return f"json: cannot unmarshal {_KINDS.get(type(value), 'null')} into Go value of type {wanted}"


class Seen(Mapping[str, Any]):
    """Claims as expressions see them: numbers are never whole, and `a__dot__b` is another way to say "a.b"."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return _seen(self._values[_unescaped(name)])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _unescaped(name) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _seen(value: Any) -> Any:
    if isinstance(value, dict):
        return Seen(value)
    if isinstance(value, list):
        return [_seen(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    return value


def _unescaped(name: object) -> str:
    """The name that an expression means, which cannot have dots, dashes and slashes."""
    text = str(name)
    if "__" not in text:
        return text
    for escaped, plain in _UNESCAPED.items():
        text = text.replace(escaped, plain)
    return text
