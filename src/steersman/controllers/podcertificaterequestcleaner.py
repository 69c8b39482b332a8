"""Deletes PodCertificateRequests after the time in which they are of use: a kubelet has its answer by then, or asks anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from steersman.api.meta import parse_time
from steersman.controller.declaration import Controller, own
from steersman.controller.expiry import Expiry
from steersman.kinds.types.certificates_v1 import PodCertificateRequest

LIFE = timedelta(minutes=15)


def seconds_left(request: PodCertificateRequest, now: datetime) -> float:
    return (parse_time(request.metadata.creationTimestamp) + LIFE - now).total_seconds()


CONTROLLER = Controller(
    name="podcertificaterequestcleaner",
    reconciler=lambda context: Expiry(context, PodCertificateRequest, seconds_left),
    watches=(own(PodCertificateRequest),),
    account="podcertificaterequestcleaner",
)
