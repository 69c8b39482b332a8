"""How a new node of this machine introduces itself: a bootstrap token in the cluster, and a kubeconfig with it for the kubelet.

Standard library only, as the node's process that uses it.
"""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from steersman.cmd.admin import Admin
from steersman.pki.files import write_atomic

# The node uses it at once, or after the next start with another.
LIFETIME = timedelta(hours=1)
# A kubelet whose certificate is older than this has renewed it, or will soon have none.
_OLD = timedelta(days=200)
GROUP = "system:bootstrappers:kubeadm:default-node-token"
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_SECRETS = "/api/v1/namespaces/kube-system/secrets"


def new_token() -> str:
    """A token that nobody guesses: `abcdef.0123456789abcdef`."""
    identity, secret = ("".join(secrets.choice(_ALPHABET) for _ in range(length)) for length in (6, 16))
    return f"{identity}.{secret}"


def secret(token: str, description: str, expiration: str) -> dict[str, Any]:
    """The Secret that makes a token good for the API server."""
    identity, _, password = token.partition(".")
    values = {
        "token-id": identity,
        "token-secret": password,
        "expiration": expiration,
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": GROUP,
        "description": description,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def with_token(kubeconfig: dict[str, Any], token: str) -> dict[str, Any]:
    """A kubeconfig for the same server, for whoever has the token."""
    users = [{"name": entry["name"], "user": {"token": token}} for entry in kubeconfig["users"]]
    return {**kubeconfig, "users": users}


def is_needed(certificate: Path, authority: Path, now: datetime) -> bool:
    """Whether a kubelet may have no certificate that the API server takes: there is none, or it is old, or older than the authority."""
    try:
        made = certificate.stat().st_mtime
    except FileNotFoundError:
        return True
    return made < authority.stat().st_mtime or made < (now - _OLD).timestamp()


def introduce(admin: Admin, node: str, kubeconfig: Path, bootstrap: Path) -> None:
    """Make a token for a node and write it into the kubeconfig `bootstrap`, beside its own one. Raises AdminError.

    The token of the node's former start is good for nothing any more.
    """
    old = _token_of(bootstrap)
    token = new_token()
    expiration = (datetime.now(UTC) + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ")
    admin.send("POST", _SECRETS, secret(token, f"of the kubelet of {node}", expiration))
    document = with_token(json.loads(kubeconfig.read_bytes()), token)
    write_atomic(bootstrap, json.dumps(document).encode())
    if old:
        # It may have ended by itself, and have been cleaned away.
        admin.send("DELETE", f"{_SECRETS}/bootstrap-token-{old.partition('.')[0]}", None, (404,))


def _token_of(bootstrap: Path) -> str:
    try:
        users = json.loads(bootstrap.read_bytes())["users"]
        return str(users[0]["user"]["token"])
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return ""
