"""The command line itself: what there is, what is said of what there is not, and that it answers at once."""

import argparse
import importlib
import os
import subprocess
import sys

import pytest

from steersman.cmd import steer

COMMANDS = ["certs", "check", "delete", "down", "encryption", "image", "kubeconfig", "logs", "status", "up"]
PARTS = ["apiserver", "controller-manager", "dns", "kubelet", "proxy", "scheduler"]


def test_names() -> None:
    assert steer.names() == sorted(COMMANDS + PARTS)
    assert [name for name in steer.names() if steer.find(name).is_part] == PARTS


@pytest.mark.parametrize("name", COMMANDS + PARTS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        steer.main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: steer {name}" in capsys.readouterr().out


@pytest.mark.parametrize("callers", [0o000, 0o077])
def test_what_is_made_has_the_same_modes_whatever_the_callers_umask(
    callers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: list[int] = []

    def notice(*_: object) -> int:
        during.append(os.umask(0o022))
        return 0

    monkeypatch.setattr(steer, "run", notice)
    before = os.umask(callers)
    try:
        assert steer.main(["check"]) == 0
    finally:
        os.umask(before)
    assert during == [0o022]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["up", "--bogus"], "steer up: error: unrecognized arguments: --bogus\n`steer up --help` shows the options.\n"),
        (
            ["up", "--kubelet-arg", "max-pods=many"],
            "steer up: error: argument --kubelet-arg: maxPods: must be a whole number, not 'many'\n"
            "`steer up --help` shows the options.\n",
        ),
        (
            ["certs", "rotate-ca"],
            "steer certs rotate-ca: error: the following arguments are required: step\n"
            "`steer certs rotate-ca --help` shows the options.\n",
        ),
    ],
)
def test_what_is_wrong_is_not_lost_behind_the_options(
    given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        steer.main(given)
    assert ended.value.code == 2
    assert capsys.readouterr().err == message


def test_overview_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert steer.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name}" in text for name in COMMANDS + PARTS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stauts", "did you mean `steer status`?"),
        ("join", "`steer --help` lists the commands"),
        ("", "lists the commands"),
    ],
)
def test_unknown_command(name: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert steer.main([name]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"steer: there is no command {name!r}; ")
    assert errors.endswith(f"{hint}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "--nodes", "x"], "invalid number value: 'x'"),
        (["up", "--nodes", "-1"], "invalid number value"),
        (["up", "--nodes", "1", "--no-nodes"], "not allowed with"),
        (["up", "--port", "70000"], "invalid port value"),
        (["up", "--wait", "soon"], "invalid duration value: 'soon'"),
        (["up", "--bogus"], "unrecognized arguments: --bogus"),
        (["image"], "required: load|ls|rm"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        steer.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Upper", "under_score", "-x", "x-", "a" * 41, "a.b", ""])
def test_bad_cluster_names(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert steer.main(["down", f"--name={name}"]) == 1
    assert "is no cluster name" in capsys.readouterr().err


def test_a_part_reports_its_configuration_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert steer.main(["scheduler", "--log-level", "info"]) == 1
    assert capsys.readouterr().err == "steer: flags: kubeconfig: is required (how to reach the API server)\n"


def test_commands_import_little() -> None:
    """What makes `steer` slow is imported when it is used, not when commands are listed."""
    script = "import sys; from steersman.cmd import steer; steer.overview(); print(*sys.modules)"
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"aiohttp", "cryptography", "numpy", "grpc", "yaml", "msgspec", "ssl", "asyncio"} & set(listed)


def test_supervisor_and_nursery_client_are_standard_library_only() -> None:
    script = "import sys; import steersman.cmd.supervisor; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {SOURCE!r}); {script}"],
                            capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    assert not {"asyncio", "dataclasses", "inspect", "ssl", "pathlib", "subprocess"} & set(loaded)


SOURCE = str(importlib.import_module("steersman").__path__[0]).removesuffix("/steersman")


def test_part_flags_come_from_the_config() -> None:
    parser = argparse.ArgumentParser()
    steer.find("dns").add_arguments(parser)
    assert parser.parse_args(["--bind-addresses", "a,b", "--port", "5353"]).bind_addresses == ["a", "b"]
