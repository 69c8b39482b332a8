"""Merging into kubeconfig files: which file gets what, and that nothing else is touched."""

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from steersman.cmd import kubeconfig, processes
from steersman.cmd.errors import CommandError
from steersman.cmd.kubeconfig import Access, files, merge, read, remove, with_access, without

ACCESS = Access("steersman-default", "https://127.0.0.1:6443", b"ca", b"cert", b"key")
NAME = ACCESS.name
ENTRIES = ACCESS.entries()
OTHER: dict[str, Any] = {
    "clusters": [{"name": "prod", "cluster": {"server": "https://prod", "x-unknown": 1}}],
    "users": [{"name": "prod", "user": {"token": "t"}}],
    "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "prod", "namespace": "n"}}],
    "current-context": "prod",
    "extensions": [{"name": "kept"}],
}
OLD: dict[str, Any] = {
    "clusters": [{"name": NAME, "cluster": {"server": "https://old"}}],
    "users": [{"name": NAME, "user": {"token": "old"}}],
    "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "old", "namespace": "mine"}}],
}


@pytest.mark.parametrize(
    ("explicit", "environment", "expected"),
    [
        ("/x", {"KUBECONFIG": "/a:/b"}, ["/x"]),
        (None, {"KUBECONFIG": "/a:/b", "HOME": "/h"}, ["/a", "/b"]),
        (None, {"KUBECONFIG": ":/a::/a:", "HOME": "/h"}, ["/a"]),
        (None, {"KUBECONFIG": "", "HOME": "/h"}, ["/h/.kube/config"]),
        (None, {"HOME": "/h"}, ["/h/.kube/config"]),
    ],
)
def test_files(explicit: str | None, environment: dict[str, str], expected: list[str]) -> None:
    assert files(explicit, environment) == [Path(path) for path in expected]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        # Which file gets: clusters, users, contexts, current-context.
        ([None], {0: {"clusters", "users", "contexts", "current-context"}}),
        ([{}], {0: {"clusters", "users", "contexts", "current-context"}}),
        ([None, None], {1: {"clusters", "users", "contexts", "current-context"}}),
        ([None, OTHER], {1: {"clusters", "users", "contexts", "current-context"}}),
        ([OTHER, {}], {0: {"clusters", "users", "contexts", "current-context"}}),
        ([OTHER, OLD], {0: {"current-context"}, 1: {"clusters", "users", "contexts"}}),
        ([{"current-context": NAME}, OLD], {1: {"clusters", "users", "contexts"}}),
        (
            [OTHER, {"users": OLD["users"]}],
            {0: {"clusters", "contexts", "current-context"}, 1: {"users"}},
        ),
        ([{"clusters": None, "users": None}], {0: {"clusters", "users", "contexts", "current-context"}}),
    ],
)
def test_where_entries_go(documents: list[dict[str, Any] | None], expected: dict[int, set[str]]) -> None:
    changed = with_access(documents, ACCESS)
    differing = {
        index: {
            key
            for key in document
            if key not in {"apiVersion", "kind"} and document[key] != (documents[index] or {}).get(key)
        }
        for index, document in changed.items()
    }
    assert differing == expected


def test_others_are_untouched_and_the_namespace_is_kept() -> None:
    both = {name: OTHER[name] + OLD[name] for name in kubeconfig.LISTS}
    (document,) = with_access([{**OTHER, **both}], ACCESS).values()
    for name in kubeconfig.LISTS:
        assert document[name][0] == OTHER[name][0]
    assert document["clusters"][1] == ENTRIES["clusters"]
    assert document["users"][1] == ENTRIES["users"]
    assert document["contexts"][1]["context"] == {"cluster": NAME, "user": NAME, "namespace": "mine"}
    assert document["extensions"] == OTHER["extensions"]


def test_removal_is_the_reverse() -> None:
    merged = with_access([OTHER], ACCESS)[0]
    (left,) = without([merged], NAME).values()
    assert left == {**OTHER, "apiVersion": "v1", "kind": "Config", "current-context": ""}
    assert without([OTHER, None, {}], NAME) == {}
    other_is_current = {**merged, "current-context": "prod"}
    assert without([other_is_current], NAME)[0]["current-context"] == "prod"


def test_new_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    assert merge(ACCESS, str(path), {}) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text())["current-context"] == NAME
    assert os.listdir(path.parent) == ["config"]


def test_a_new_file_belongs_to_whom_the_directory_belongs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    if user != os.geteuid():
        os.chown(home, user, user)
    merge(ACCESS, None, {"HOME": str(home)})
    assert {path.stat().st_uid for path in (home / ".kube", home / ".kube/config")} == {user}


def test_merging_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    merge(ACCESS, str(path), {})
    before = path.read_text()
    merge(ACCESS, str(path), {})
    assert path.read_text() == before


def test_written_through_a_link_with_its_mode(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text(yaml.safe_dump(OTHER))
    real.chmod(0o640)
    (tmp_path / "config").symlink_to(real)
    merge(ACCESS, str(tmp_path / "config"), {})
    assert (tmp_path / "config").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [entry["name"] for entry in yaml.safe_load(real.read_text())["users"]] == ["prod", NAME]


def test_scalars_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text('users: [{name: u, user: {token: 2024-01-02, password: "012", exec: {args: ["yes"]}}}]\n')
    before = read(path)
    merge(ACCESS, str(path), {})
    after = read(path)
    assert before is not None
    assert after is not None
    assert (
        after["users"][0]
        == before["users"][0]
        == {
            "name": "u",
            "user": {"token": "2024-01-02", "password": "012", "exec": {"args": ["yes"]}},
        }
    )


@pytest.mark.parametrize("text", ["a: [", "- a", "clusters: {a: b}", "hello", "\x00"])
def test_broken_files_are_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(CommandError, match="name another one with --kubeconfig"):
        merge(ACCESS, str(path), {})
    assert path.read_text() == text


def test_a_lock_is_respected(tmp_path: Path) -> None:
    (tmp_path / "config.lock").touch()
    with pytest.raises(CommandError, match=r"config.lock exists"):
        merge(ACCESS, str(tmp_path / "config"), {})
    assert not (tmp_path / "config").exists()


def test_a_lock_of_a_steer_that_was_killed_is_none(tmp_path: Path) -> None:
    lock = tmp_path / "config.lock"
    ended = subprocess.Popen(["sleep", "1000"])
    lock.write_text(processes.pid_record(ended.pid))
    try:
        with pytest.raises(CommandError, match=r"config.lock exists"):
            merge(ACCESS, str(tmp_path / "config"), {})
    finally:
        ended.kill()
        ended.wait()
    merge(ACCESS, str(tmp_path / "config"), {})
    assert not lock.exists()
    # On another machine it may run on.
    lock.write_text(json.dumps({"pid": ended.pid, "start": 1, "boot": "another"}))
    with pytest.raises(CommandError, match=r"config.lock exists"):
        merge(ACCESS, str(tmp_path / "config"), {})


def test_removal_from_files(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(OTHER))
    environment = {"KUBECONFIG": f"{tmp_path / 'absent'}:{path}"}
    assert merge(ACCESS, None, environment) == [path]
    assert remove(NAME, None, environment) == [path]
    assert remove(NAME, None, environment) == []
    assert not (tmp_path / "absent").exists()
