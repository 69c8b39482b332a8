"""Checks by name, and all of them."""

import pytest

from steersman.api.errors import NotFound
from steersman.kubelet.health import answer

FINE = {"ping": lambda: "", "syncloop": lambda: ""}
STUCK = {**FINE, "syncloop": lambda: "sync Loop took longer than expected"}


@pytest.mark.parametrize(
    ("checks", "name", "query", "status", "text"),
    [
        (FINE, "", "", 200, "ok"),
        (FINE, "ping", "", 200, "ok"),
        (FINE, "", "verbose", 200, "[+]ping ok\n[+]syncloop ok\nhealthz check passed\n"),
        (STUCK, "ping", "", 200, "ok"),
        (STUCK, "", "", 500, "[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n"),
        (STUCK, "syncloop", "", 500, "internal server error: sync Loop took longer than expected\n"),
        (STUCK, "", "exclude=syncloop", 200, "ok"),
        (
            FINE,
            "",
            "verbose=1&exclude=ping&exclude=x",
            200,
            "[+]ping excluded: ok\n[+]syncloop ok\n"
            'warn: some health checks cannot be excluded: no matches for "x"\nhealthz check passed\n',
        ),
    ],
)
def test_answers(checks, name, query, status, text):
    told = {}
    found = answer(checks, name, query, told.__setitem__)
    excluded = {"syncloop"} if "exclude=syncloop" in query else {"ping"} if "exclude=ping" in query else set()
    assert told == ({} if name else {known: not check() for known, check in checks.items() if known not in excluded})
    assert (found.status, found.body.decode()) == (status, text)


def test_no_such_check():
    with pytest.raises(NotFound):
        answer(FINE, "nothing", "", lambda name, fine: None)
