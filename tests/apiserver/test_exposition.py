"""What is served at /metrics is what the documentation says, and can be read by who reads such things."""

from __future__ import annotations

import re
from pathlib import Path

from tests.apiserver.conftest import CATALOG, PODS, Api, pod

from steersman.api.clock import FakeClock
from steersman.apiserver import exposition
from steersman.apiserver.audit.policy import Policy, Rules
from steersman.apiserver.audit.service import Audit
from steersman.apiserver.authn.signer_counting import SignerCounts
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.encryption.service import Encryption
from steersman.apiserver.podsecurity import counting
from steersman.apiserver.reloads import Reloads
from steersman.apiserver.server import App
from steersman.cel import timing
from steersman.store.backends import memory

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w ]*) ?\|", re.MULTILINE)
LINE = re.compile(r'^[a-z_]+(\{([a-zA-Z_]+="(\\.|[^"\\])*",?)*\})? (NaN|[-+]?(Inf|[0-9.e+-]+))$')

Known = dict[str, tuple[str, tuple[str, ...]]]
"""Kind and labels by name."""


def known() -> Known:
    """All that any API server may tell."""
    clock = FakeClock()
    app = App(memory.BACKEND.open("", clock), clock, ServerConfig(), catalog=CATALOG, encryption=Encryption(clock))
    reloads = Reloads(clock, b"")
    metrics = [
        *exposition.every(app),
        *timing.TIMES,
        *app.health.metrics(),
        *SignerCounts().metrics(),
        *Audit(clock, Rules(Policy()), ()).metrics(),
        *(m for what in ("authentication", "authorization", "encryption") for m in reloads.metrics(what)),
    ]
    return {metric.name: (metric.kind, metric.labels) for metric in metrics}


def others(text: str) -> set[str]:
    """The names of those that are told by a text of their own."""
    return set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))


def test_the_documentation_is_true() -> None:
    clock = FakeClock()
    app = App(memory.BACKEND.open("", clock), clock, ServerConfig(), catalog=CATALOG)
    documented = {name: (kind, tuple(labels.split())) for name, kind, labels in ROW.findall(DOCUMENT.read_text())}
    told_otherwise = others(app.flow_control.metrics()) | set(counting._HELP)
    assert {name: documented.get(name) for name in known()} == known()
    assert documented.keys() == known().keys() | told_otherwise


async def test_the_format(api: Api) -> None:
    await api.post(PODS, pod("a"), code=201)
    await api.get(f"{PODS}/b", code=404)
    text = exposition.render(api.app)
    assert text.endswith("\n")
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            names.append(line.split()[2])
        elif not line.startswith("# HELP "):
            assert LINE.match(line), line
            assert names[-1] in line
    assert len(names) == len(set(names)), "each name is told of once"
