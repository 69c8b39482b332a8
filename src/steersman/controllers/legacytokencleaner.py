"""Takes tokens in Secrets away that were made by themselves and that nobody has used for a year: marked first, later deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from steersman.api.errors import Conflict, NotFound
from steersman.api.meta import parse_time
from steersman.controller.declaration import Context, Controller, read
from steersman.controllers.serviceaccounttoken import FIELDS, is_of, name_of_account
from steersman.kinds.core import pod_secrets
from steersman.kinds.core.legacytoken import INVALID_SINCE, LAST_USED, NAMESPACE, SINCE, TRACKING, day_of
from steersman.kinds.types.core_v1 import ConfigMap, Pod, Secret, ServiceAccount

INTERVAL = 24 * 3600.0
log = logging.getLogger(__name__)


class Step(Enum):
    KEEP = "keep"
    MARK = "mark"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Times:
    """This moment, and how long ago a use counts no more."""

    now: datetime
    period: timedelta

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def limit(self) -> datetime:
        return self.now - self.period


class LegacyTokenCleaner:
    """Looks at all Secrets once a day."""

    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._period = timedelta(seconds=context.config.legacy_token_clean_up_period)
        self._secrets = context.informers.informer(Secret, fields=FIELDS)
        self._accounts = context.informers.informer(ServiceAccount)
        self._pods = context.informers.informer(Pod)

    async def reconcile(self, key: str) -> None:
        """Nothing of this is about a single object."""

    async def run(self) -> None:
        while True:
            await self.clean()
            await self._clock.sleep(INTERVAL)

    async def clean(self) -> None:
        """One look at everything."""
        times = Times(self._clock.now().astimezone(UTC), self._period)
        since = await self._tracked_since()
        if since is None or times.now < since + times.period:
            return
        for secret in self._secrets.items():
            account = self._accounts.get(f"{secret.metadata.namespace}/{name_of_account(secret)}")
            step = step_for(secret, account, times)
            if step is not Step.KEEP and not self._is_mounted(secret):
                await self._take(step, secret, times)

    async def _tracked_since(self) -> datetime | None:
        """From which moment on every use is known."""
        try:
            found = await self._client.get(ConfigMap, TRACKING, NAMESPACE)
        except NotFound:
            return None
        day = day_of((found.data or {}).get(SINCE, ""))
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)

    def _is_mounted(self, secret: Secret) -> bool:
        meta = secret.metadata
        return any(
            meta.name in pod_secrets.names(pod)
            for pod in self._pods.items()
            if pod.metadata.namespace == meta.namespace
        )

    async def _take(self, step: Step, secret: Secret, times: Times) -> None:
        meta = secret.metadata
        try:
            if step is Step.MARK:
                log.info("secret %s/%s: its token is not used and is invalid from now on", meta.namespace, meta.name)
                labels = {INVALID_SINCE: times.today.isoformat()}
                await self._client.patch(
                    Secret, meta.name, {"metadata": {"uid": meta.uid, "labels": labels}}, meta.namespace
                )
            else:
                log.info("secret %s/%s: its token is not used and is deleted", meta.namespace, meta.name)
                await self._client.delete_seen(secret, unchanged=True)
        except (NotFound, Conflict):
            # Somebody has changed it: the next look will tell.
            return


def step_for(secret: Secret, account: ServiceAccount | None, times: Times) -> Step:
    """What becomes of a Secret that no pod mounts, as far as its use is concerned."""
    meta, labels = secret.metadata, secret.metadata.labels or {}
    if meta.deletionTimestamp or parse_time(meta.creationTimestamp) >= times.limit:
        return Step.KEEP
    # Only those that are in the account's list were made by themselves.
    if account is None or not is_of(secret, account):
        return Step.KEEP
    if all(reference.name != meta.name for reference in account.secrets or ()):
        return Step.KEEP
    last = labels.get(LAST_USED)
    if last is not None:
        used = day_of(last)
        if used is None or used >= times.limit.date():
            return Step.KEEP
    invalid = day_of(labels.get(INVALID_SINCE, ""))
    if invalid is None:
        return Step.MARK
    return Step.DELETE if invalid < times.limit.date() else Step.KEEP


CONTROLLER = Controller(
    name="legacy-service-account-token-cleaner",
    reconciler=LegacyTokenCleaner,
    watches=(read(Secret, fields=FIELDS), read(ServiceAccount), read(Pod)),
    component="legacy-serviceaccount-token-cleaner-controller",
    account="legacy-service-account-token-cleaner",
)
