"""Files below the node's log directory, and the ways that must not lead out of it."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.errors import NotFound
from steersman.kubelet import node_logs
from steersman.kubelet.node_logs import Opened, open_below


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "log"
    (folder / "pods" / "a&b").mkdir(parents=True)
    (folder / "messages").write_text("first\nsecond\n")
    (folder / "pods" / "a&b" / "0.log").write_text("line\n")
    (folder / "containers").mkdir()
    (folder / "containers" / "a.log").symlink_to("../pods/a&b/0.log")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "log-of-others").mkdir()
    (tmp_path / "log-of-others" / "x").write_text("secret")
    for name, target in (
        ("out", "../secret"),
        ("absolute", str(tmp_path / "secret")),
        ("up", ".."),
        ("beside", "../log-of-others"),
        ("loop", "loop"),
        ("dangling", "nothing"),
    ):
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    return folder


async def got(folder, path):
    response = await node_logs.answer(folder, path)
    body = response.body if isinstance(response.body, bytes) else b"".join([chunk async for chunk in response.body])
    return response.status, body.decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("messages", "first\nsecond\n"),
        ("pods/a&b/0.log", "line\n"),
        ("containers/a.log", "line\n"),
        ("//messages", "first\nsecond\n"),
    ],
)
async def test_files(logs, path, text):
    assert await got(logs, path) == (200, text)


async def test_directories(logs):
    status, page = await got(logs, "")
    assert status == 200
    assert '<a href="messages">messages</a>\n' in page
    assert '<a href="pods/">pods/</a>\n' in page
    assert '<a href="a%26b/">a&amp;b/</a>\n' in (await got(logs, "pods/"))[1]
    response = await node_logs.answer(logs, "pods")
    assert (response.status, response.headers["Location"]) == (301, "pods/")


async def test_names_that_are_no_text(logs):
    folder = os.fsencode(logs / "odd")
    for name in (b"bad\xff", "ü\r\n".encode(), b"https:"):
        os.makedirs(folder + b"/" + name)
    status, page = await got(logs, "odd/")
    assert status == 200
    for name in ("bad%FF", "%C3%BC%0D%0A", "https%3A"):
        assert f'<a href="{name}/">' in page
    for name, there in (("ü\r\n", "%C3%BC%0D%0A/"), ("https:", "https%3A/")):
        response = await node_logs.answer(logs, f"odd/{name}")
        assert (response.status, response.headers["Location"]) == (301, there)


async def test_very_many_names(logs, monkeypatch):
    monkeypatch.setattr(node_logs, "MOST_NAMES", 3)
    assert (await got(logs, ""))[1].count("<a ") == 3


WAYS_OUT = (
    "out", "absolute", "up", "up/secret", "beside/x", "beside/", "loop", "dangling", "pipe",
    "../secret", "..", "pods/../../secret", "pods/../messages", "nothing", "messages/x", "mess\0ages", "/../secret",
    "../log-of-others/x", "a" * 300, "pods/" * 2000,
)  # fmt: skip


@pytest.mark.parametrize("path", WAYS_OUT)
async def test_ways_out(logs, path):
    with pytest.raises(NotFound, match="404 page not found"):
        await got(logs, path)


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "up", "out", "pods", "log", "secret", "beside", "messages", "x"]), max_size=6
    )
)
def test_nothing_outside_is_ever_read(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("logs") / "log"
    folder.mkdir()
    (folder.parent / "secret").write_text("secret")
    (folder / "messages").write_text("fine")
    (folder / "up").symlink_to("..")
    (folder / "out").symlink_to("../secret")
    try:
        found = open_below(folder, "/".join(parts))
    except OSError:
        return
    if isinstance(found, Opened):
        assert os.read(found.descriptor, 100) == b"fine"
        found.close()
    else:
        assert "secret" not in found


def test_a_link_that_comes_between_look_and_opening(logs, monkeypatch):
    real = os.path.realpath

    def late(path, **more):
        found = real(path, **more)
        if found.endswith("messages"):
            (logs / "messages").unlink()
            (logs / "messages").symlink_to("../secret")
        return found

    monkeypatch.setattr(node_logs.os.path, "realpath", late)
    with pytest.raises(OSError, match="symbolic"):
        open_below(logs, "messages")


async def test_a_file_that_grows_and_one_that_nobody_reads(logs):
    response = await node_logs.answer(logs, "messages")
    with (logs / "messages").open("a") as file:
        file.write("third\n")
    assert [chunk async for chunk in response.body] == [b"first\nsecond\n"]
    before = len(os.listdir("/proc/self/fd"))
    opened = open_below(logs, "messages")
    assert stat.S_ISREG(os.fstat(opened.descriptor).st_mode)
    del opened
    assert len(os.listdir("/proc/self/fd")) == before
