"""Each error says what Kubernetes says, and survives the way over the wire."""

from dataclasses import dataclass

import pytest

from steersman.api import errors
from steersman.api.meta import Resource

PODS = Resource("", "v1", "pods", "Pod", True)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", True)


@dataclass
class Cause:
    field: str
    text: str

    def cause(self) -> dict[str, str]:
        return {"reason": "FieldValueRequired", "message": self.text, "field": self.field}

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (errors.NotFound.of(PODS, "a"), 404, "NotFound", 'pods "a" not found'),
        (errors.NotFound.of(DEPLOYMENTS, "a"), 404, "NotFound", 'deployments.apps "a" not found'),
        (errors.AlreadyExists.of(PODS, "a"), 409, "AlreadyExists", 'pods "a" already exists'),
        (errors.Forbidden.of(PODS, "a", "no"), 403, "Forbidden", 'pods "a" is forbidden: no'),
        (errors.Forbidden.of(PODS, "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (
            errors.Conflict.of(DEPLOYMENTS, "a"),
            409,
            "Conflict",
            'Operation cannot be fulfilled on deployments.apps "a": the object has been modified; '
            "please apply your changes to the latest version and try again",
        ),
        (
            errors.Invalid.of(DEPLOYMENTS, "a", [Cause("spec.x", "Required value")]),
            422,
            "Invalid",
            'Deployment.apps "a" is invalid: spec.x: Required value',
        ),
        (
            errors.Invalid.of(PODS, "a", [Cause("x", "one"), Cause("y", "two")]),
            422,
            "Invalid",
            'Pod "a" is invalid: [x: one, y: two]',
        ),
    ],
)
def test_status(error: errors.StatusError, code: int, reason: str, message: str) -> None:
    status = error.status()
    assert (status["code"], status["reason"], status["message"]) == (code, reason, message)
    back = errors.from_status(status)
    assert type(back) is type(error)
    assert back.status() == status


def test_an_unknown_reason_keeps_its_code() -> None:
    error = errors.from_status({"message": "odd", "reason": "Strange", "code": 418})
    assert (error.code, error.reason, error.message) == (418, "Strange", "odd")


def test_an_answer_shows_a_few_long_errors_and_counts_the_others() -> None:
    """Each error may show the whole list that it is about, which is as long as its client likes."""
    long = [Cause(f"spec.x[{i}]", f"{i}" * 1_000_000) for i in range(9)]
    error = errors.Invalid.of(PODS, "a", long)
    assert len(error.details["causes"]) == 4
    assert error.message.endswith(", and 5 more]")
    assert len(error.message) < 5_000_000


def test_one_error_is_shown_however_long_it_is() -> None:
    error = errors.Invalid.of(PODS, "a", [Cause("spec.x", "y" * 5_000_000)])
    assert error.message == f'Pod "a" is invalid: spec.x: {"y" * 5_000_000}'
    assert len(error.details["causes"]) == 1


def test_an_answer_names_so_many_errors() -> None:
    error = errors.Invalid.of(PODS, "a", [Cause("x", f"{i}") for i in range(errors.MOST_CAUSES + 5)])
    assert len(error.details["causes"]) == errors.MOST_CAUSES
    assert error.message.endswith(", and 5 more]")
