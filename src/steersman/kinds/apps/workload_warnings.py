"""Warnings of workloads: those of their pod templates, and of names that pods and hosts cannot have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steersman.api.field import same
from steersman.kinds.apps.workload_rules import SPEC
from steersman.kinds.core import pod_warnings

_TEMPLATE = SPEC.child("template")


def of_new(workload: Any) -> list[str]:
    """The warnings of a workload whose pods are named after it."""
    return pod_warnings.of_hostname(workload.metadata.name) + of_template(workload)


def of_template(workload: Any) -> list[str]:
    return pod_warnings.of_template(workload.spec.template, _TEMPLATE)


def of_change(warnings: Callable[[Any], list[str]]) -> Callable[[Any, Any], list[str]]:
    """The warnings of a change, which are only told if it is one of what is wanted."""

    def judge(new: Any, old: Any) -> list[str]:
        return warnings(new) if new.metadata.generation != old.metadata.generation else []

    return judge


def of_changed_template(new: Any, old: Any) -> list[str]:
    """The warnings of a template that is another than before."""
    return [] if same(new.spec.template, old.spec.template) else of_template(new)
