"""Configs from files and flags: what is read back, and errors that name the field."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from steersman.cmd import config as configs
from steersman.cmd.config import KubeletConfig, SchedulerConfig
from steersman.cmd.configfile import (
    ConfigError,
    add_flags,
    from_flags,
    from_mapping,
    key_of,
    load,
    parse_duration,
    save,
    to_mapping,
)

ALL = [value for name, value in vars(configs).items() if name.endswith("Config")]


@pytest.mark.parametrize("kind", ALL)
def test_every_config_survives_its_file(kind: type[Any], tmp_path: Path) -> None:
    required = {
        field.name: 7 if field.type is int else "x"
        for field in dataclasses.fields(kind)
        if field.metadata.get("required")
    }
    config = kind(**required)
    save(config, tmp_path / "c.json")
    assert load(kind, tmp_path / "c.json") == config


@pytest.mark.parametrize("kind", ALL)
def test_every_field_has_help_and_fits_its_type(kind: type[Any]) -> None:
    assert kind.__doc__
    for field in dataclasses.fields(kind):
        assert field.metadata["help"], field.name
    required = {
        key_of(field.name): 7 if field.type is int else "x"
        for field in dataclasses.fields(kind)
        if field.metadata.get("required")
    }
    full = to_mapping(from_mapping(kind, required, "test"))
    assert from_mapping(kind, full, "test")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "f: kubeconfig: is required (how to reach the API server)"),
        ({"kubeconfig": 1}, "f: kubeconfig: must be a string, not 1"),
        ({"kubeconfig": None}, "f: kubeconfig: must be a string, not null"),
        ({"kubeconfig": "k", "nodeNam": "x"}, "f: nodeNam: unknown setting (did you mean nodeName?)"),
        ({"kubeconfig": "k", "zzz": "x"}, "f: zzz: unknown setting"),
        ({"kubeconfig": "k", "port": "80"}, "f: port: must be a whole number, not '80'"),
        ({"kubeconfig": "k", "port": True}, "f: port: must be a whole number, not True"),
        ({"kubeconfig": "k", "port": -1}, "f: port: must be at least 0, not -1"),
        ({"kubeconfig": "k", "cpus": "2"}, "f: cpus: must be a number, not '2'"),
        ({"kubeconfig": "k", "nodeLabels": []}, "f: nodeLabels: must be a mapping, not a list"),
        ({"kubeconfig": "k", "nodeLabels": {"a": 1}}, "f: nodeLabels.a: must be a string, not 1"),
        (
            {"kubeconfig": "k", "logLevel": "loud"},
            "f: logLevel: must be one of debug, info, warning, error, not 'loud'",
        ),
    ],
)
def test_errors_name_the_field(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        from_mapping(KubeletConfig, data, "f")
    assert str(raised.value) == message


def test_list_items_are_named() -> None:
    with pytest.raises(ConfigError, match=r"f: controllers\[1\]: must be a string, not 2"):
        from_mapping(
            configs.ControllerManagerConfig,
            {"kubeconfig": "k", "rootCaFile": "r", "controllers": ["a", 2]},
            "f",
        )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.json", "{", "c.json: Expecting"),
        ("c.yaml", "a: [", "c.yaml: .*yaml: line"),
        ("c.yaml", "- a", "c.yaml: must hold a mapping"),
        ("c.json", b"\xff\xfe", "c.json: is not text"),
        ("absent", None, "absent: No such file"),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: str | bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message):
        load(SchedulerConfig, tmp_path / name)


def parse(kind: type[Any], *flags: str) -> Any:
    parser = argparse.ArgumentParser()
    add_flags(parser, kind)
    return from_flags(kind, parser.parse_args(flags))


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "k.yaml"
    path.write_text("kubeconfig: from-file\nmaxPods: 5\n")
    config = parse(KubeletConfig, "--config", str(path), "--max-pods", "7", "--node-labels", "a=b,c=d")
    assert (config.kubeconfig, config.max_pods, config.node_labels) == ("from-file", 7, {"a": "b", "c": "d"})


def test_flags_alone() -> None:
    config = parse(SchedulerConfig, "--kubeconfig", "k", "--leader-elect")
    assert config == SchedulerConfig(kubeconfig="k", leader_elect=True)
    assert parse(KubeletConfig, "--kubeconfig", "k", "--lease-duration", "1m").lease_duration == 60.0


def test_flag_errors_name_the_field() -> None:
    with pytest.raises(ConfigError, match="flags: logLevel: must be one of"):
        parse(SchedulerConfig, "--kubeconfig", "k", "--log-level", "loud")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("1m30s", 90.0), ("500ms", 0.5), ("2h", 7200.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1x", "-1s", "1 m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_saved_file_is_private_json(tmp_path: Path) -> None:
    save(SchedulerConfig(kubeconfig="k"), tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["schedulerName"] == "default-scheduler"
    assert (tmp_path / "c.json").stat().st_mode & 0o777 == 0o600
