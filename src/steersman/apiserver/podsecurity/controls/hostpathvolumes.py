"""Baseline: pods mount no directories of the host."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, plural, quoted


def check(subject: Subject) -> Violation | None:
    bad = [volume.name for volume in subject.spec.volumes or () if volume.hostPath is not None]
    return Violation("hostPath volumes", f"{plural('volume', len(bad))} {quoted(bad)}") if bad else None


CONTROL = Control("hostPathVolumes", BASELINE, {0: check})
