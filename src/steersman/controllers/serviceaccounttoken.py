"""Fills Secrets of type `kubernetes.io/service-account-token` with a token that lasts as long as the Secret and its account."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from steersman.api import codec
from steersman.api.errors import Conflict, NotFound, StatusError
from steersman.api.meta import generate_name
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.pod_control import namespace_ends
from steersman.kinds.core.data_rules import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN, SERVICE_ACCOUNT_UID
from steersman.kinds.core.legacytoken import TOKEN
from steersman.kinds.types.core_v1 import ObjectReference, Secret, ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.pki.tokens import BoundObject, LegacyClaims

FIELDS = f"type={SERVICE_ACCOUNT_TOKEN}"
NAMESPACE, ROOT_CA = "namespace", "ca.crt"
_ACCOUNT = "account"


class ServiceAccountTokens:
    """Keys are `namespace/account`, and `namespace/account/secret` for one Secret of an account.

    They are apart so that a Secret that was deleted leaves its account's list before another one is made for it.
    """

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._config = context.config
        self._accounts = context.informers.informer(ServiceAccount)
        self._secrets = context.informers.informer(Secret, fields=FIELDS)
        self._secrets.add_index(_ACCOUNT, account_keys)

    async def reconcile(self, key: str) -> None:
        namespace, name, *secret = key.split("/")
        if secret:
            await self._reconcile_secret(namespace, name, secret[0])
        else:
            await self._reconcile_account(namespace, name)

    # One account.

    async def _reconcile_account(self, namespace: str, name: str) -> None:
        account = self._accounts.get(f"{namespace}/{name}") or await self._live(namespace, name)
        for secret in self._secrets.by(_ACCOUNT, f"{namespace}/{name}"):
            await self._delete_if_stale(secret, account)
        if account is not None and self._config.legacy_service_account_tokens and self._config.sign_token:
            await self._ensure_token(account)

    async def _ensure_token(self, account: ServiceAccount) -> None:
        """Make a Secret and put it into the account's list, unless one is there."""
        meta = account.metadata
        if meta.deletionTimestamp or await self._has_token(account):
            return
        live = await self._live(meta.namespace, meta.name)
        if live is None or live.metadata.resourceVersion != meta.resourceVersion:
            # What has changed is on its way here, and asks again.
            return
        secret = Secret(
            metadata=ObjectMeta(name=generate_name(f"{meta.name}-token-"), namespace=meta.namespace),
            type=SERVICE_ACCOUNT_TOKEN,
        )
        try:
            made = await self._client.create(self._filled(secret, account))
        except StatusError as e:
            if namespace_ends(e):
                return
            raise
        live.secrets = [*(live.secrets or ()), ObjectReference(name=made.metadata.name)]
        try:
            await self._client.update(live)
        except StatusError:
            # Nobody would know of it: the next try makes another one.
            await self._delete(made)
            raise

    async def _has_token(self, account: ServiceAccount) -> bool:
        for reference in account.secrets or ():
            key = f"{account.metadata.namespace}/{reference.name}"
            # Ours may be in the list before it comes here.
            secret = self._secrets.get(key) or await self._live_secret(account.metadata.namespace, reference.name)
            if secret is not None and secret.type == SERVICE_ACCOUNT_TOKEN and is_of(secret, account):
                return True
        return False

    # One Secret.

    async def _reconcile_secret(self, namespace: str, account_name: str, name: str) -> None:
        secret = self._secrets.get(f"{namespace}/{name}")
        account = self._accounts.get(f"{namespace}/{account_name}")
        if secret is None or account_name != name_of_account(secret):
            if account is not None:
                await self._forget(account, name)
            return
        found = await self._delete_if_stale(secret, account)
        if found is not None and self._config.sign_token and self._missing(secret):
            await self._client.update(self._filled(secret, found))

    async def _forget(self, account: ServiceAccount, name: str) -> None:
        """Take a Secret that is gone out of the account's list."""
        if not any(reference.name == name for reference in account.secrets or ()):
            return
        if await self._live_secret(account.metadata.namespace, name) is not None:
            return
        changed = codec.clone(account)
        changed.secrets = [r for r in changed.secrets or () if r.name != name] or None
        await self._client.update(changed)

    def _missing(self, secret: Secret) -> bool:
        data, root_ca = secret.data or {}, self._config.root_ca
        return (
            not data.get(TOKEN) or not data.get(NAMESPACE) or bool(root_ca and data.get(ROOT_CA) != _encoded(root_ca))
        )

    def _filled(self, secret: Secret, account: ServiceAccount) -> Secret:
        """A copy with what it lacks."""
        assert self._config.sign_token is not None
        filled, meta = codec.clone(secret), account.metadata
        said = {SERVICE_ACCOUNT_NAME: meta.name, SERVICE_ACCOUNT_UID: meta.uid}
        filled.metadata.annotations = {**(filled.metadata.annotations or {}), **said}
        data = dict(filled.data or {})
        if not data.get(TOKEN):
            claims = LegacyClaims(meta.namespace, BoundObject(meta.name, meta.uid), secret.metadata.name)
            data[TOKEN] = _encoded(self._config.sign_token(claims.to_json()))
        data[NAMESPACE] = data.get(NAMESPACE) or _encoded(meta.namespace)
        if self._config.root_ca:
            data[ROOT_CA] = _encoded(self._config.root_ca)
        filled.data = data
        return filled

    # What is asked of the server, and told to it.

    async def _live(self, namespace: str, name: str) -> ServiceAccount | None:
        try:
            return await self._client.get(ServiceAccount, name, namespace)
        except NotFound:
            return None

    async def _live_secret(self, namespace: str, name: str) -> Secret | None:
        try:
            return await self._client.get(Secret, name, namespace)
        except NotFound:
            return None

    async def _delete_if_stale(self, secret: Secret, account: ServiceAccount | None) -> ServiceAccount | None:
        """The Secret's account; without one the Secret is deleted. `account` is what is known here: it may be old."""
        if account is not None and is_of(secret, account):
            return account
        live = await self._live(secret.metadata.namespace, name_of_account(secret))
        if live is not None and is_of(secret, live):
            return live
        await self._delete(secret)
        return None

    async def _delete(self, secret: Secret) -> None:
        try:
            await self._client.delete_seen(secret)
        except Conflict:
            # Another one has its name.
            return


def name_of_account(secret: Secret) -> str:
    """The name of the account that the Secret is for."""
    return (secret.metadata.annotations or {}).get(SERVICE_ACCOUNT_NAME, "")


def is_of(secret: Secret, account: ServiceAccount) -> bool:
    """Whether the Secret is for this very account; one that names no uid is for any of the name."""
    uid = (secret.metadata.annotations or {}).get(SERVICE_ACCOUNT_UID)
    return name_of_account(secret) == account.metadata.name and uid in (None, "", account.metadata.uid)


def account_keys(secret: Secret) -> Iterable[str]:
    return (f"{secret.metadata.namespace}/{name_of_account(secret)}",)


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _secret_keys(_: Context, secret: Secret) -> Iterable[str]:
    return (f"{key}/{secret.metadata.name}" for key in account_keys(secret))


CONTROLLER = Controller(
    name="serviceaccount-token",
    reconciler=ServiceAccountTokens,
    watches=(own(ServiceAccount), mapped(Secret, _secret_keys, fields=FIELDS)),
    component="serviceaccount-token-controller",
)
