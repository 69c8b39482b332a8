"""Lets everything pass; there because configurations of old name it."""

from __future__ import annotations

from steersman.apiserver.admission.framework import Admission

ADMISSION = Admission(name="AlwaysAdmit", order=100, interests=())
