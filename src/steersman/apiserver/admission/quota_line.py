"""Charges quotas for writes: all who wait for a namespace's quotas are decided at once and share one write of each quota."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from steersman.api import codec
from steersman.api.errors import Conflict, Forbidden, NotFound, StatusError
from steersman.apiserver.admission import quota as decisions
from steersman.apiserver.admission.framework import CREATE, Environment, Review
from steersman.apiserver.admission.quota import Account, Charges, LimitedResource, Refused
from steersman.apiserver.admission.quota_ledger import Promise, QuotaLedger
from steersman.kinds.core.quota_usage import Meter
from steersman.kinds.types.core_v1 import ResourceQuota

_TRIES = 20
# How long what became of a cancelled write may stay unknown; seconds.
_DOUBT = 30.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Request:
    """One visitor of the line: a write that wants to be charged, or (`review` is None) charges that are given back."""

    namespace: str
    review: Review | None = None
    meter: Meter | None = None
    limited: Sequence[LimitedResource] = ()
    decided: bool = False
    gone: bool = False
    """Whether its visitor has given up: whatever has been, or is going to be, promised to it is for nothing."""
    refused: Refused | None = None
    charges: Charges = field(default_factory=dict)
    promises: dict[str, Promise] = field(default_factory=dict)

    def promise(self, ledger: QuotaLedger, bases: Mapping[str, str]) -> None:
        """What is charged counts as used from the next version of each quota on, stored or not."""
        if self.review is None:
            return
        resource = self.review.resource
        name = self.review.name if self.review.operation == CREATE else ""
        uid = self.review.object.metadata.uid if name else ""
        for quota, amounts in self.charges.items():
            self.promises[quota] = Promise(amounts, resource.group, resource.plural, name, uid, bases.get(quota, ""))
            ledger.promise(self.namespace, quota, self.promises[quota])

    def release(self, ledger: QuotaLedger) -> None:
        for quota, promise in self.promises.items():
            ledger.release(self.namespace, quota, promise)
        self.promises.clear()

    def doubt(self, until: float) -> None:
        """Nobody knows what becomes of the write, but that it is over by then."""
        for promise in self.promises.values():
            promise.until = until


async def correct(review: Review, environment: Environment) -> None:
    """Raise the usage that somebody has counted to what is stored and under way."""
    status, ledger = review.object.status, environment.quotas
    reader, clock = environment.reader, environment.clock
    await ledger.tallies.warm(review.object, decisions.counted(status.used), reader, clock)
    status.used = decisions.at_least(review.old, status.used, ledger, reader, clock.now(), clock.monotonic())


async def check(review: Review, environment: Environment, limited: Sequence[LimitedResource]) -> None:
    """Charge the quotas for the write, or see what a dry run would cost. Raises Forbidden when it does not fit."""
    meter = decisions.meter_for(review)
    if meter is None:
        return
    if not review.dry_run:
        await charge(review, meter, environment, limited)
        return
    accounts = [Account.of(quota) for quota in environment.reader.list(ResourceQuota, review.namespace)]
    try:
        decisions.charges(review, meter, accounts, environment.clock.now(), limited)
    except Refused as refused:
        raise refusal(review, refused) from None


async def charge(
    review: Review, meter: Meter, environment: Environment, limited: Sequence[LimitedResource] = ()
) -> None:
    """Charge the quotas for the write, which tells when it is over. Raises Forbidden when it does not fit."""
    request = _Request(review.namespace, review, meter, limited)
    await _stand_in_line(request, environment)
    if request.refused is not None:
        raise refusal(review, request.refused)
    if not request.charges:
        return

    async def settle(stored: bool | None) -> None:
        await _settle(request, stored, environment)

    review.settlers.append(settle)


def refusal(review: Review, refused: Refused) -> StatusError:
    """What the client is told."""
    if refused.failure:
        return StatusError(str(refused), code=500, reason="")
    return Forbidden.of(review.resource, review.name, str(refused))


async def _settle(request: _Request, stored: bool | None, environment: Environment) -> None:
    if stored is None:
        request.doubt(environment.clock.monotonic() + _DOUBT)
        return
    if stored:
        request.release(environment.quotas)
        return
    # The promises last until the charges are taken back: what is counted meanwhile still has them in.
    try:
        await _stand_in_line(_Request(request.namespace, charges=dict(request.charges)), environment)
    except StatusError as error:
        # The write has failed with an error of its own; the usage is right again when the controller has counted.
        _log.warning("namespace %s: usage of quotas was not given back: %s", request.namespace, error)
    finally:
        request.release(environment.quotas)


async def _stand_in_line(request: _Request, environment: Environment) -> None:
    async with environment.quotas.line(request.namespace) as line:
        line.waiting.append(request)
        try:
            async with line.lock:
                if request.decided:
                    return
                batch, line.waiting = line.waiting, []
                try:
                    await _decide(batch, environment)
                finally:
                    # When this task is cancelled or fails, the others try for themselves.
                    line.waiting[:0] = [r for r in batch if not r.decided and not r.gone]
        except BaseException:
            # Whoever is deciding about it still needs its promises, in case the charges must be taken back.
            request.gone = True
            if request.decided:
                request.release(environment.quotas)
            raise
        finally:
            line.waiting = [r for r in line.waiting if r is not request]


async def _decide(batch: Sequence[_Request], environment: Environment) -> None:
    """Decide about all of them, and write. Raises Conflict when somebody else keeps changing the quotas."""
    namespace = batch[0].namespace
    for _ in range(_TRIES):
        accounts = [Account.of(quota) for quota in environment.reader.list(ResourceQuota, namespace)]
        for request in batch:
            if request.review is None:
                _give_back(request, accounts)
        for request in batch:
            if request.review is not None:
                _admit(request, request.review, accounts, environment)
        if await _write(batch, [a for a in accounts if a.changed], environment):
            for request in batch:
                request.decided = True
                if request.gone:
                    # Its charges go when somebody counts.
                    request.release(environment.quotas)
            return
    raise Conflict(f"the quotas of namespace {namespace} keep changing; please apply your changes again")


def _give_back(request: _Request, accounts: Sequence[Account]) -> None:
    for account in accounts:
        account.give_back(request.charges.get(account.name, {}))


def _admit(request: _Request, review: Review, accounts: Sequence[Account], environment: Environment) -> None:
    request.refused, request.charges = None, {}
    if request.meter is None or request.gone:
        return
    try:
        request.charges = decisions.charges(review, request.meter, accounts, environment.clock.now(), request.limited)
    except Refused as refused:
        request.refused = refused
    for account in accounts:
        if account.name in request.charges:
            account.charge(request.charges[account.name])


async def _write(batch: Sequence[_Request], accounts: Sequence[Account], environment: Environment) -> bool:
    """Write the quotas as they were decided on; False, with nothing charged, when one has changed since.

    Promises come before any charge and go after the last of it, so that nobody counts away what is going to be taken back.
    """
    written: list[Account] = []
    done = False
    # A quota that is not written, because as much is given back as is charged, has it already.
    bases = {account.name: account.quota.metadata.resourceVersion for account in accounts}
    for request in batch:
        request.promise(environment.quotas, bases)
    try:
        for account in accounts:
            await _store(account, environment)
            written.append(account)
            for request in batch:
                if request.review is None:
                    request.charges.pop(account.name, None)
    except (Conflict, NotFound):
        for account in written:
            await _reverse(account, environment)
        return False
    else:
        done = True
        return True
    finally:
        if not done:
            for request in batch:
                request.release(environment.quotas)


async def _store(account: Account, environment: Environment) -> None:
    def change(current: ResourceQuota) -> ResourceQuota:
        new = codec.clone(current)
        new.status.used = account.used
        new.metadata.resourceVersion = account.quota.metadata.resourceVersion
        return new

    await _change(account, change, environment)


async def _reverse(account: Account, environment: Environment) -> None:
    """Take a charge back that was written before another quota of the same writes had changed."""

    def change(current: ResourceQuota) -> ResourceQuota:
        now = Account.of(current)
        for amounts in account.charged:
            now.give_back(amounts)
        new = codec.clone(current)
        new.status.used = now.used
        return new

    try:
        await _change(account, change, environment)
    except NotFound:
        return


async def _change(account: Account, change: Callable[[ResourceQuota], ResourceQuota], environment: Environment) -> None:
    await environment.reader.change_status(ResourceQuota, account.quota.metadata.namespace, account.name, change)
