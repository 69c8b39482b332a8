"""Where a request carries its token: the Authorization header, or the subprotocols of a WebSocket, as browsers can do no other."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.api.http import Request
from steersman.apiserver.authn.users import Refused
from steersman.http.head import of_pairs
from steersman.pki import jose

PROTOCOLS = "sec-websocket-protocol"
_PREFIX = "base64url.bearer.authorization.k8s.io."
SPACES = "the provided Authorization header contains extra space before the bearer token, and is ignored"


def token_of(header: str, warnings: list[str]) -> str:
    """The bearer token in an Authorization header; nothing if it has none."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return ""
    token, space, _ = rest.partition(" ")
    if not token and space:
        warnings.append(SPACES)
    return token


def protocol_token(request: Request) -> tuple[str, str]:
    """The token among the subprotocols that a WebSocket's client offers, and the others, as the header has them.

    Raises Refused for one that cannot be read, or that would be left alone when the token is taken away.
    """
    headers = request.headers
    if "websocket" not in headers.get("upgrade", "").lower() or "upgrade" not in headers.get("connection", "").lower():
        return "", ""
    found: list[str] = []
    others: list[str] = []
    for name, value in headers.items():
        if name.lower() == PROTOCOLS:
            for protocol in map(str.strip, value.split(",")):
                (found if protocol.startswith(_PREFIX) else others).append(protocol)
    if not found:
        return "", ""
    if len(found) > 1:
        raise Refused("multiple base64.bearer.authorization tokens specified")
    try:
        token = jose.decode(found[0].removeprefix(_PREFIX)).decode()
    except jose.JoseError:
        raise Refused("invalid base64.bearer.authorization token encoding") from None
    except UnicodeDecodeError:
        raise Refused("invalid base64.bearer.authorization token") from None
    if token and not others:
        raise Refused("missing additional subprotocol")
    return token, ", ".join(others)


def without_token(headers: Mapping[str, str], protocols: str) -> Mapping[str, str]:
    """The headers with these subprotocols only."""
    kept = [(name, value) for name, value in headers.items() if name.lower() != PROTOCOLS]
    return of_pairs([*kept, (PROTOCOLS, protocols)])
