"""Who may use the kubelet's own API: the API server says whom a token names, and whether a user may do to this node what is asked."""

from __future__ import annotations

from steersman.api.clock import Clock
from steersman.api.errors import Forbidden, InternalError, StatusError, Unauthorized
from steersman.api.http import Request, User
from steersman.api.identities import authenticated
from steersman.api.recent import Digest, Recent
from steersman.client.rest import Client
from steersman.http.head import is_text

# How long an answer of the API server counts, in seconds.
KNOWN_SECONDS, ALLOWED_SECONDS, DENIED_SECONDS = 120.0, 300.0, 30.0
# Answers that are remembered of each sort; who has been asked for longest ago is forgotten first.
REMEMBERED = 1024
_VERBS = {"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# What lies below these paths has a subresource of nodes of its own, and nothing else will do …
_OWN = {
    "stats": "stats",
    "metrics": "metrics",
    "logs": "log",
    "checkpoint": "checkpoint",
    "statusz": "statusz",
    "flagz": "configz",
}
# … or the one that is for everything will do as well.
_FINE = {
    "pods": "pods",
    "allocatedPods": "pods",
    "runningpods": "pods",
    "healthz": "healthz",
    "configz": "configz",
}
EVERYTHING = "proxy"


def attributes(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """The verb of a request, and the subresources of the node of which the user has to be allowed one.

    A verb is empty for methods that mean none; whoever may do everything may do that too.
    """
    first = path.removeprefix("/").partition("/")[0]
    verb = _VERBS.get(method, "")
    if own := _OWN.get(first):
        return verb, (own,)
    fine = _FINE.get(first)
    return verb, (fine, EVERYTHING) if fine else (EVERYTHING,)


class Access:
    """Asks the API server, as the node `node`. Nobody is allowed anything while it does not answer.

    Contract: `check` returns the user, or raises Unauthorized, Forbidden, or the error that kept us from knowing.
    """

    def __init__(self, client: Client, clock: Clock, node: str) -> None:
        self._client = client
        self._node = node
        self._digest = Digest()
        self._users: Recent[bytes, User] = Recent(clock, REMEMBERED)
        self._decisions: Recent[tuple[object, ...], bool] = Recent(clock, REMEMBERED)

    async def check(self, request: Request) -> User:
        """Whether the sender of a request may make it."""
        user = await self.authenticate(request)
        verb, subresources = attributes(request.method, request.path)
        for subresource in subresources:
            if await self._allowed(user, verb, subresource):
                return user
        raise Forbidden(
            f"Forbidden (user={user.name}, verb={verb}, resource=nodes, subresource(s)=[{' '.join(subresources)}])"
        )

    async def authenticate(self, request: Request) -> User:
        """The user of a client certificate, or else of a bearer token. There is nothing for others."""
        if request.user is not None:
            return authenticated(request.user)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or not is_text(token):
            raise Unauthorized()
        return await self._reviewed(token)

    async def _reviewed(self, token: str) -> User:
        from steersman.kinds.types.authentication_v1 import TokenReview, TokenReviewSpec

        # No token is kept in memory for longer than its request.
        key = self._digest(token)
        known = self._users.get(key)
        if known is not None:
            return known
        try:
            review = await self._client.create(TokenReview(spec=TokenReviewSpec(token=token)))
        except StatusError as error:
            raise InternalError.occurred(f"the token cannot be reviewed: {error}") from error
        found = review.status.user
        if not review.status.authenticated or found is None:
            raise Unauthorized()
        extra = {name: tuple(values) for name, values in (found.extra or {}).items()}
        user = User(found.username, tuple(found.groups or ()), found.uid, extra)
        self._users.put(key, user, KNOWN_SECONDS)
        return user

    async def _allowed(self, user: User, verb: str, subresource: str) -> bool:
        from steersman.kinds.types.authorization_v1 import (
            ResourceAttributes,
            SubjectAccessReview,
            SubjectAccessReviewSpec,
        )

        extra = tuple(sorted(user.extra.items()))
        key = user.name, user.groups, user.uid, extra, verb, subresource
        known = self._decisions.get(key)
        if known is not None:
            return known
        wish = ResourceAttributes(verb=verb, version="v1", resource="nodes", subresource=subresource, name=self._node)
        spec = SubjectAccessReviewSpec(
            user=user.name,
            uid=user.uid,
            groups=list(user.groups),
            extra={name: list(values) for name, values in extra},
            resourceAttributes=wish,
        )
        try:
            status = (await self._client.create(SubjectAccessReview(spec=spec))).status
        except StatusError as error:
            raise InternalError.occurred(
                f"Authorization error (user={user.name}, verb={verb}, resource=nodes, subresource={subresource}): {error}"
            ) from error
        self._decisions.put(key, status.allowed, ALLOWED_SECONDS if status.allowed else DENIED_SECONDS)
        return status.allowed
