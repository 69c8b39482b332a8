"""What has been evaluated, as upstream's metrics say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steersman.api.version import MINOR
from steersman.apiserver.podsecurity.policy import LATEST, PRIVILEGED, Standard

_EVALUATIONS = "pod_security_evaluations_total"
_EXEMPTIONS = "pod_security_exemptions_total"
_ERRORS = "pod_security_errors_total"
_HELP = {
    _EVALUATIONS: "Pods and templates that were evaluated, but for those that are exempt.",
    _EXEMPTIONS: "Requests that are exempt.",
    _ERRORS: "Errors that kept policies from being read; such namespaces have the latest restricted one.",
}
Request = tuple[str, str, str]
"""Operation, plural and subresource."""


class Counters:
    """Counts by series. Everything is synchronous and cheap, and the number of series is bounded by what the server serves."""

    def __init__(self) -> None:
        self._evaluations: dict[tuple[bool, Standard, str, Request], int] = {}
        self._exemptions: dict[Request, int] = {}
        self._errors: dict[tuple[bool, Request], int] = {}

    def evaluated(self, request: Request, mode: str, standard: Standard, *, allowed: bool) -> None:
        key = allowed, _known(standard), mode, request
        self._evaluations[key] = self._evaluations.get(key, 0) + 1

    def exempted(self, request: Request) -> None:
        self._exemptions[request] = self._exemptions.get(request, 0) + 1

    def failed(self, request: Request, *, fatal: bool) -> None:
        key = fatal, request
        self._errors[key] = self._errors.get(key, 0) + 1

    def render(self) -> str:
        """The text that Prometheus reads; nothing as long as nothing has been counted."""
        lines = [
            *_lines(_EVALUATIONS, ((_evaluation(*key), count) for key, count in self._evaluations.items())),
            *_lines(_EXEMPTIONS, ((_of(key), count) for key, count in self._exemptions.items())),
            *_lines(_ERRORS, ((_error(*key), count) for key, count in self._errors.items())),
        ]
        return "".join(f"{line}\n" for line in lines)


def _known(standard: Standard) -> Standard:
    """As many versions as there are, and one more for those to come."""
    if standard.level == PRIVILEGED:
        return _PRIVILEGED
    return standard if standard.version <= MINOR or standard.version == LATEST else Standard(standard.level, MINOR + 1)


_PRIVILEGED = Standard()


def _evaluation(allowed: bool, standard: Standard, mode: str, request: Request) -> str:
    future = MINOR < standard.version < LATEST
    version = "future" if future else "latest" if standard.version == LATEST else f"v1.{standard.version}"
    return (
        f'decision="{"allow" if allowed else "deny"}",mode="{mode}",policy_level="{standard.level}",'
        f'policy_version="{version}",{_of(request)}'
    )


def _of(request: Request) -> str:
    operation, plural, subresource = request
    what = {"pods": "pod", "namespaces": "namespace"}.get(plural, "controller")
    return f'request_operation="{operation.lower()}",resource="{what}",subresource="{subresource}"'


def _error(fatal: bool, request: Request) -> str:
    return f'fatal="{str(fatal).lower()}",{_of(request)}'


def _lines(name: str, counted: Iterable[tuple[str, int]]) -> Iterator[str]:
    sums: dict[str, int] = {}
    for labels, count in counted:
        # Several resources are one in what is told.
        sums[labels] = sums.get(labels, 0) + count
    if not sums:
        return
    yield f"# HELP {name} {_HELP[name]}"
    yield f"# TYPE {name} counter"
    for labels, count in sorted(sums.items()):
        yield f"{name}{{{labels}}} {count}"
