"""What an AuthenticationConfiguration must not say, and its expressions compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.apiserver.authn.configuration import (
    MATCH_ANY,
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimOrExpression,
    ClaimValidationRule,
    ExtraMapping,
    Issuer,
    JWTAuthenticator,
    PrefixedClaimOrExpression,
    UserValidationRule,
)

if TYPE_CHECKING:
    from steersman.cel import Env, Program

MAX_ISSUERS = 64
_RESERVED = ("kubernetes.io", "k8s.io")
_BOTH = "claim and expression can't both be set"
_EMAIL = (
    "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression "
    "or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression that must be true, and what is said when it is not."""

    program: Program
    message: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """One issuer with the programs of its expressions; None where there is none."""

    spec: JWTAuthenticator
    username: Program | None = None
    groups: Program | None = None
    uid: Program | None = None
    extra: tuple[tuple[str, Program], ...] = ()
    claim_rules: tuple[Rule, ...] = ()
    user_rules: tuple[Rule, ...] = ()

    @property
    def issuer(self) -> Issuer:
        return self.spec.issuer or Issuer()

    @property
    def mappings(self) -> ClaimMappings:
        return self.spec.claimMappings or ClaimMappings()


def compiled(config: AuthenticationConfiguration, disallowed: Sequence[str] = ()) -> tuple[list[Compiled], Errors]:
    """The issuers, and what is wrong with them and the rest. `disallowed` are issuers that are somebody else's."""
    root, jwt = Path("jwt"), config.jwt or []
    if len(jwt) > MAX_ISSUERS:
        return [], [field.too_many(root, len(jwt), MAX_ISSUERS)]
    found: list[Compiled] = []
    errors: Errors = []
    urls: set[str] = set()
    discovery: set[str] = set()
    for i, spec in enumerate(jwt):
        path = root.index(i)
        compiler = _Compiler()
        found.append(compiler.authenticator(spec, path, disallowed))
        errors += compiler.errors
        issuer = spec.issuer or Issuer()
        if issuer.url in urls:
            errors.append(field.duplicate(path.child("issuer", "url"), issuer.url))
        urls.add(issuer.url)
        if issuer.discoveryURL:
            if issuer.discoveryURL in discovery:
                errors.append(field.duplicate(path.child("issuer", "discoveryURL"), issuer.discoveryURL))
            discovery.add(issuer.discoveryURL)
    anonymous = config.anonymous
    if anonymous is not None and not anonymous.enabled and anonymous.conditions:
        shown = [{"path": condition.path} for condition in anonymous.conditions]
        why = "enabled should be set to true when conditions are defined"
        errors.append(field.invalid(Path("anonymous", "conditions"), shown, why))
    return found, errors


# The issuer


def check_issuer(issuer: Issuer, path: Path, disallowed: Sequence[str]) -> Errors:
    errors: Errors = []
    if not issuer.url:
        errors.append(field.required(path.child("url")))
    else:
        errors += _check_url(issuer.url, path.child("url"), disallowed)
    if issuer.discoveryURL:
        at = path.child("discoveryURL")
        if issuer.url and issuer.url.rstrip("/") == issuer.discoveryURL.rstrip("/"):
            errors.append(field.invalid(at, issuer.discoveryURL, "discoveryURL must be different from URL"))
        errors += _check_url(issuer.discoveryURL, at, ())
    errors += _check_audiences(issuer, path)
    if issuer.certificateAuthority:
        errors += _check_authority(issuer.certificateAuthority, path.child("certificateAuthority"))
    if issuer.egressSelectorType:
        at, chosen = path.child("egressSelectorType"), issuer.egressSelectorType
        why = "egress selector must be either controlplane or cluster"
        if chosen in ("controlplane", "cluster"):
            why = "there are no egress selectors: the server connects by itself"
        errors.append(field.invalid(at, chosen, why))
    return errors


def _check_url(url: str, path: Path, disallowed: Sequence[str]) -> Errors:
    errors: Errors = []
    if url in disallowed:
        known = " ".join(sorted(disallowed))
        errors.append(field.invalid(path, url, f"URL must not overlap with disallowed issuers: [{known}]"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return [*errors, field.invalid(path, url, str(error))]
    if parts.scheme != "https":
        errors.append(field.invalid(path, url, "URL scheme must be https"))
    elif not parts.hostname or port == 0:
        errors.append(field.invalid(path, url, "URL must name a host"))
    if "@" in parts.netloc:
        errors.append(field.invalid(path, url, "URL must not contain a username or password"))
    if parts.query:
        errors.append(field.invalid(path, url, "URL must not contain a query"))
    if parts.fragment:
        errors.append(field.invalid(path, url, "URL must not contain a fragment"))
    return errors


def _check_audiences(issuer: Issuer, path: Path) -> Errors:
    at, audiences = path.child("audiences"), issuer.audiences or []
    if not audiences:
        return [field.required(at, f"at least one {at} is required")]
    errors: Errors = []
    for i, audience in enumerate(audiences):
        if not audience:
            errors.append(field.required(at.index(i)))
        if audience in audiences[:i]:
            errors.append(field.duplicate(at.index(i), audience))
    policy, policy_at = issuer.audienceMatchPolicy, path.child("audienceMatchPolicy")
    if len(audiences) > 1 and policy != MATCH_ANY:
        why = "audienceMatchPolicy must be MatchAny for multiple audiences"
        errors.append(field.invalid(policy_at, policy, why))
    if len(audiences) == 1 and policy not in ("", MATCH_ANY):
        why = "audienceMatchPolicy must be empty or MatchAny for single audience"
        errors.append(field.invalid(policy_at, policy, why))
    return errors


def _check_authority(pem: str, path: Path) -> Errors:
    # TLS is loaded late.
    from steersman.pki import trust

    try:
        trust.trusting(pem)
    except ValueError:
        why = "data does not contain any valid RSA or ECDSA certificates"
        return [field.invalid(path, "<omitted>", why)]
    return []


# Claims


class _Compiler:
    """Checks one issuer's rules and mappings and makes its programs; what is wrong is in `errors`."""

    def __init__(self) -> None:
        self.errors: Errors = []

    def authenticator(self, spec: JWTAuthenticator, path: Path, disallowed: Sequence[str]) -> Compiled:
        self.errors += check_issuer(spec.issuer or Issuer(), path.child("issuer"), disallowed)
        claim_rules = self._claim_rules(spec.claimValidationRules or [], path.child("claimValidationRules"))
        mappings, at = spec.claimMappings or ClaimMappings(), path.child("claimMappings")
        name = mappings.username or PrefixedClaimOrExpression()
        username = self._mapping(name, at.child("username"), required=True)
        groups = self._mapping(mappings.groups or PrefixedClaimOrExpression(), at.child("groups"), required=False)
        uid = self._uid(mappings.uid or ClaimOrExpression(), at.child("uid"))
        extra = self._extra(mappings.extra or [], at.child("extra"))
        checking = [username, *(program for _, program in extra), *(rule.program for rule in claim_rules)]
        if _reads(username, "email") and not any(_reads(program, "email_verified") for program in checking):
            self.errors.append(field.invalid(at.child("username", "expression"), name.expression, _EMAIL))
        user_rules = self._user_rules(spec.userValidationRules or [], path.child("userValidationRules"))
        return Compiled(spec, username, groups, uid, extra, claim_rules, user_rules)

    def _claim_rules(self, rules: list[ClaimValidationRule], path: Path) -> tuple[Rule, ...]:
        found, claims, expressions = [], set[str](), set[str]()
        for i, rule in enumerate(rules):
            at = path.index(i)
            if rule.claim and rule.expression:
                self.errors.append(field.invalid(at, rule.claim, _BOTH))
            elif rule.claim:
                if rule.message:
                    why = "may not be specified when claim is set"
                    self.errors.append(field.invalid(at.child("message"), rule.message, why))
                if rule.claim in claims:
                    self.errors.append(field.duplicate(at.child("claim"), rule.claim))
                claims.add(rule.claim)
            elif not rule.expression:
                self.errors.append(field.required(at, "claim or expression is required"))
            else:
                program = self._claim_rule(rule, at, expressions)
                if program is not None:
                    found.append(Rule(program, rule.message))
        return tuple(found)

    def _claim_rule(self, rule: ClaimValidationRule, at: Path, seen: set[str]) -> Program | None:
        if rule.requiredValue:
            why = "may not be specified when expression is set"
            self.errors.append(field.invalid(at.child("requiredValue"), rule.requiredValue, why))
        if rule.expression in seen:
            self.errors.append(field.duplicate(at.child("expression"), rule.expression))
            return None
        seen.add(rule.expression)
        return self._program("claims", rule.expression, at.child("expression"), is_condition=True)

    def _mapping(self, mapping: PrefixedClaimOrExpression, path: Path, *, required: bool) -> Program | None:
        if mapping.expression and mapping.claim:
            self.errors.append(field.invalid(path, "", _BOTH))
        elif mapping.expression:
            if mapping.prefix is not None:
                why = "may not be specified when expression is set"
                self.errors.append(field.invalid(path.child("prefix"), mapping.prefix, why))
            return self._program("claims", mapping.expression, path.child("expression"))
        elif mapping.claim and mapping.prefix is None:
            why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
            self.errors.append(field.required(path.child("prefix"), why))
        elif required and not mapping.claim:
            self.errors.append(field.required(path, "claim or expression is required"))
        return None

    def _uid(self, mapping: ClaimOrExpression, path: Path) -> Program | None:
        if mapping.claim and mapping.expression:
            self.errors.append(field.invalid(path, "", _BOTH))
            return None
        return self._program("claims", mapping.expression, path.child("expression")) if mapping.expression else None

    def _extra(self, mappings: list[ExtraMapping], path: Path) -> tuple[tuple[str, Program], ...]:
        found, seen = [], set[str]()
        for i, mapping in enumerate(mappings):
            key, at = mapping.key, path.index(i)
            self.errors += check_extra_key(key, at.child("key"))
            if key in seen:
                self.errors.append(field.duplicate(at.child("key"), key))
                continue
            seen.add(key)
            if not mapping.valueExpression:
                self.errors.append(field.required(at.child("valueExpression")))
                continue
            program = self._program("claims", mapping.valueExpression, at.child("valueExpression"))
            if program is not None:
                found.append((key, program))
        return tuple(found)

    def _user_rules(self, rules: list[UserValidationRule], path: Path) -> tuple[Rule, ...]:
        found, seen = [], set[str]()
        for i, rule in enumerate(rules):
            at = path.index(i).child("expression")
            if not rule.expression:
                self.errors.append(field.required(at))
            elif rule.expression in seen:
                self.errors.append(field.duplicate(at, rule.expression))
            else:
                program = self._program("user", rule.expression, at, is_condition=True)
                if program is not None:
                    found.append(Rule(program, rule.message))
            seen.add(rule.expression)
        return tuple(found)

    def _program(self, variable: str, text: str, path: Path, *, is_condition: bool = False) -> Program | None:
        from steersman.cel import BOOL, CompileError

        try:
            program = environment(variable).compile(text, BOOL if is_condition else None)
        except CompileError as error:
            why = f"compilation failed: {error}" if error.issues else str(error)
            self.errors.append(field.invalid(path, text, why))
            return None
        return program


def check_extra_key(key: str, path: Path) -> Errors:
    """The errors of a key under which something is said of a user."""
    errors: Errors = []
    if not key:
        errors.append(field.required(path))
    else:
        errors += field.all_invalid(path, key, names.domain_prefixed_path(key))
    if key != key.lower():
        errors.append(field.invalid(path, key, "must be lowercase"))
    host, slash, _ = key.partition("/")
    if slash and any(host == domain or host.endswith(f".{domain}") for domain in _RESERVED):
        why = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
        errors.append(field.invalid(path, key, why))
    return errors


# Expressions


def environment(variable: str) -> Env:
    """What expressions about claims, or about the user that comes of them, may name."""
    from steersman.cel import DYN, STRING, Env, map_of
    from steersman.cel.admission import USER

    known = _ENVIRONMENTS.get(variable)
    if known is None:
        known = _ENVIRONMENTS[variable] = Env({variable: USER if variable == "user" else map_of(STRING, DYN)})
    return known


_ENVIRONMENTS: dict[str, Env] = {}


def _reads(program: Program | None, name: str) -> bool:
    """Whether an expression reads the claim of this name."""
    if program is None:
        return False
    from steersman.cel.macros import MACROS
    from steersman.cel.parser import parse
    from steersman.cel.syntax import Ident, Select

    return any(
        isinstance(node, Select)
        and node.name == name
        and isinstance(node.operand, Ident)
        and node.operand.name == "claims"
        for node in _nodes(parse(program.text, MACROS))
    )


def _nodes(root: Any) -> Iterator[Any]:
    """Everything that an expression's tree is made of."""
    left = [root]
    while left:
        node = left.pop()
        if isinstance(node, list | tuple):
            left.extend(node)
        elif is_dataclass(node):
            yield node
            left.extend(getattr(node, part.name) for part in fields(node) if part.name not in ("type", "overloads"))
