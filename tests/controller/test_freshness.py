"""Own writes must be seen before the next step."""

from steersman.controller.freshness import Writes


class At:
    """Stands for an informer that has come to a version."""

    def __init__(self, version):
        self.version = version

    def has_seen(self, version):
        return self.version >= int(version)


def test_writes_are_waited_for_per_key_and_informer():
    pods, sets, writes = At(5), At(5), Writes()
    assert writes.seen("a")
    writes.wrote("a", pods, "7")
    writes.wrote("a", pods, "6")
    writes.wrote("a", sets, "8")
    assert not writes.seen("a")
    assert writes.seen("b")
    pods.version = 6
    assert not writes.seen("a")
    pods.version, sets.version = 7, 7
    assert not writes.seen("a")
    sets.version = 9
    assert writes.seen("a")
    assert writes.seen("a")


def test_an_unknown_version_is_not_waited_for():
    writes = Writes()
    writes.wrote("a", At(0), "")
    assert writes.seen("a")


def test_forgetting():
    writes = Writes()
    writes.wrote("a", At(0), "7")
    writes.forget("a")
    assert writes.seen("a")
