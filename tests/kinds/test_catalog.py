"""The catalogue of kinds: what is in it, and that it is cheap and consistent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steersman.api import codec
from steersman.kinds.catalog import Catalog, load
from steersman.kinds.kind import Served

GOLDEN = Path(__file__).parent / "golden" / "catalog.txt"
CATALOG = load()


def describe(served: Served) -> str:
    kind, resource = served.kind, served.resource
    marks = [
        "namespaced" if resource.namespaced else "cluster",
        "" if served.served_by_default else "off",
        "legacy" if served.is_legacy else "",
        "" if kind.stored else "virtual",
        "" if served.version is None else f"stored as {kind.resource.api_version}",
    ]
    parts = [
        f"{resource.api_version} {resource.plural} {resource.kind}",
        ", ".join(m for m in marks if m),
        " ".join(kind.short_names) and "short: " + " ".join(kind.short_names),
        " ".join(kind.categories) and "in: " + " ".join(kind.categories),
        kind.subresources and "sub: " + " ".join(sorted(kind.subresources)),
    ]
    return " | ".join(str(p) for p in parts if p)


def text(catalog: Catalog) -> str:
    return "".join(describe(s) + "\n" for s in catalog.served)


def test_the_catalogue_is_the_golden_one(request: pytest.FixtureRequest) -> None:
    found = text(CATALOG)
    if not GOLDEN.exists():
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text(), "delete the golden file and run again if the change is meant"


@pytest.mark.parametrize("served", CATALOG.served, ids=lambda s: f"{s.resource.api_version}-{s.resource.plural}")
def test_each_kind_agrees_with_its_type(served: Served) -> None:
    assert served.type.__resource__ == served.resource
    kind = served.kind
    assert not kind.has_status or "status" in kind.type.__struct_fields__
    stored = served.to_stored(served.type())
    assert type(stored) is kind.type
    assert stored.apiVersion == kind.resource.api_version
    again = served.from_stored(stored)
    assert type(again) is served.type
    assert again.apiVersion == served.resource.api_version
    codec.decode(served.type, codec.encode(again))


def test_lookups() -> None:
    deployments = CATALOG.find("apps", "v1", "deployments")
    assert deployments is not None
    assert deployments is CATALOG.find_kind("apps", "v1", "Deployment")
    assert CATALOG.find("apps", "v1", "nonsense") is None
    assert [s.resource.plural for s in CATALOG.resources("policy", "v1")] == ["evictions", "poddisruptionbudgets"]


def test_groups_prefer_the_stable_version() -> None:
    groups = CATALOG.groups()
    assert list(groups)[:4] == ["", "apiregistration.k8s.io", "apps", "events.k8s.io"]
    assert groups["autoscaling"] == ("v2", "v1", "v2beta2", "v2beta1")
    assert groups["batch"] == ("v1", "v1beta1", "v2alpha1")
    assert list(groups)[-1] == "extensions"
    assert groups["resource.k8s.io"] == ("v1",)
    assert CATALOG.groups(all_versions=True)["resource.k8s.io"] == ("v1", "v1beta2", "v1beta1", "v1alpha3")


def test_no_plural_twice_in_a_group_version() -> None:
    paths = [(s.resource.group, s.resource.version, s.resource.plural) for s in CATALOG.served]
    assert len(paths) == len(set(paths))


def test_short_names_are_unique() -> None:
    names = [n for k in CATALOG.kinds for n in (*k.short_names, k.singular_name) if k.stored]
    # Eviction and Event have namesakes in other groups, as upstream.
    assert {n for n in names if names.count(n) > 1} <= {"event", "eviction"}


def test_loading_the_catalogue_loads_no_types() -> None:
    code = (
        "import sys; from steersman.kinds.catalog import load; load();"
        "sys.exit(any(m.startswith('steersman.kinds.types.') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
