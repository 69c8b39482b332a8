"""Both ways to nftables behave alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.network import links, nft, syscalls
from steersman.network.nft import LibraryNft, Nft, NftError, ProgramNft

pytestmark = pytest.mark.node


@pytest.fixture
def netns() -> Iterator[Path]:
    name = "steersman-test-nft"
    # What an interrupted run has left in it counts, too.
    links.remove_netns(name)
    links.make_netns(name)
    yield links.netns_path(name)
    links.remove_netns(name)


@pytest.fixture(params=[LibraryNft, ProgramNft])
def run(request: pytest.FixtureRequest, netns: Path) -> Iterator[Nft]:
    class Inside:
        """Runs in the namespace, whichever way."""

        def __init__(self) -> None:
            self._nft: Nft = syscalls.in_network(netns, request.param)

        def run(self, text: str) -> str:
            return syscalls.in_network(netns, lambda: self._nft.run(text))

        def close(self) -> None:
            self._nft.close()

    inside = Inside()
    yield inside
    inside.close()


def test_listing_shows_what_was_added(run: Nft) -> None:
    run.run("add table ip web\nadd chain ip web a\nadd rule ip web a accept\n")
    assert "table ip web" in run.run("list tables")


def test_a_refused_text_changes_nothing_and_says_why(run: Nft) -> None:
    with pytest.raises(NftError, match=r"'add table ip half'.*No such file"):
        run.run("add table ip half\nadd rule ip half absent accept\n")
    assert run.run("list tables") == ""
    run.run("add table ip after")
    assert run.run("list tables") == "table ip after\n"


def test_a_syntax_error_is_an_nft_error(run: Nft) -> None:
    with pytest.raises(NftError, match="syntax error"):
        run.run("nonsense")


def test_the_program_is_named_when_it_is_missing() -> None:
    with pytest.raises(NftError, match="cannot run no-such-nft"):
        ProgramNft("no-such-nft").run("list tables")


def test_a_missing_library_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no-such-library"):
        LibraryNft("no-such-library.so")
    nft.open_nft().close()
