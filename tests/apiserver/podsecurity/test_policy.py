"""What labels of a namespace come to."""

from __future__ import annotations

import pytest

from steersman.apiserver.podsecurity.policy import LATEST, Policy, Standard, of_labels, parse_version

PREFIX = "pod-security.kubernetes.io/"
BASELINE = Standard("baseline", 20)
DEFAULTS = Policy(BASELINE, BASELINE, BASELINE)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("latest", LATEST),
        ("v1.0", 0),
        ("v1.37", 37),
        ("v1.9223372036854775807", LATEST - 1),
        ("v1.9223372036854775808", None),
        ("v1." + "9" * 5000, None),
        ("v1.01", None),
        ("v1.-1", None),
        ("v1.٣", None),
        ("v1.1\n", None),
        ("v2.1", None),
        ("1.1", None),
        ("", None),
    ],
)
def test_versions(text: str, minor: int | None) -> None:
    assert parse_version(text) == minor


@pytest.mark.parametrize(
    ("labels", "enforce", "audit", "warn"),
    [
        (None, "privileged:latest", "privileged:latest", "privileged:latest"),
        ({"a": "b"}, "privileged:latest", "privileged:latest", "privileged:latest"),
        # Who has pods refused is warned, too.
        ({"enforce": "baseline"}, "baseline:latest", "privileged:latest", "baseline:latest"),
        (
            {"enforce": "restricted", "enforce-version": "v1.20"},
            "restricted:v1.20", "privileged:latest", "restricted:v1.20",
        ),
        (
            {"enforce": "baseline", "enforce-version": "v1.20", "warn-version": "v1.22"},
            "baseline:v1.20", "privileged:latest", "baseline:v1.22",
        ),
        ({"enforce": "baseline", "warn": "privileged"}, "baseline:latest", "privileged:latest", "privileged:latest"),
        ({"enforce": "baseline", "warn": "restricted"}, "baseline:latest", "privileged:latest", "restricted:latest"),
        ({"audit": "restricted", "audit-version": "v1.99"}, "privileged:latest", "restricted:v1.99", "privileged:latest"),
    ],
)  # fmt: skip
def test_labels(labels: dict[str, str] | None, enforce: str, audit: str, warn: str) -> None:
    found, errors = of_labels(labels and {PREFIX + name: value for name, value in labels.items()}, Policy())
    assert not errors
    assert (str(found.enforce), str(found.audit), str(found.warn)) == (enforce, audit, warn)


def test_labels_go_before_defaults() -> None:
    found, errors = of_labels({PREFIX + "warn": "privileged", PREFIX + "enforce-version": "latest"}, DEFAULTS)
    assert not errors
    assert (str(found.enforce), str(found.audit), str(found.warn)) == (
        "baseline:latest", "baseline:v1.20", "privileged:v1.20",
    )  # fmt: skip
    # The default already warns of as much.
    assert of_labels({PREFIX + "enforce": "baseline"}, DEFAULTS)[0].warn == BASELINE


def test_what_cannot_be_read() -> None:
    """Enforced at its strictest, and not warned of."""
    modes = ("enforce", "audit", "warn")
    labels = {PREFIX + mode: "x" for mode in modes} | {f"{PREFIX}{mode}-version": "1.1" for mode in modes}
    found, errors = of_labels(labels, DEFAULTS)
    assert found == Policy(Standard("restricted", LATEST), Standard(), Standard())
    assert [str(e) for e in errors] == [
        text
        for mode in modes
        for text in (
            f'metadata.labels[{PREFIX}{mode}]: Invalid value: "x": must be one of privileged, baseline, restricted',
            f'metadata.labels[{PREFIX}{mode}-version]: Invalid value: "1.1": must be "latest" or "v1.x"',
        )
    ]
    assert of_labels({PREFIX + "enforce": "x"}, Policy())[0].warn == Standard()


def test_equivalent() -> None:
    assert Standard("privileged", 1).equivalent(Standard("privileged", 2))
    assert not Standard("baseline", 1).equivalent(Standard("baseline", 2))
    assert Policy().privileged
    assert not Policy(warn=BASELINE).privileged
