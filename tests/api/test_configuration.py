"""Configuration files are taken as they are documented, or refused with the file, the field and the value."""

from pathlib import Path

import pytest
from msgspec import Struct

from steersman.api import configuration
from steersman.api.configuration import ConfigurationError


class Door(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    width: int = 0
    colours: list[str] = []


TYPES = {("house.example/v1", "Door"): Door}
HEAD = "apiVersion: house.example/v1\nkind: Door\n"


@pytest.mark.parametrize(
    "text", [HEAD + "width: 3\n", '{"kind": "Door", "apiVersion": "house.example/v1", "width": 3}']
)
def test_yaml_and_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "door.yaml"
    file.write_text(text)
    assert configuration.read(file, TYPES) == Door(width=3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must hold an object with apiVersion and kind"),
        ("- a", "must hold an object with apiVersion and kind"),
        ("kind: Door", "apiVersion: Required value"),
        ("apiVersion: house.example/v1\nkind: 3", "kind: Required value"),
        ("apiVersion: house.example/v2\nkind: Door", "there is a Door of house.example/v2"),
        (HEAD + "height: 3", 'unknown field "height"'),
        (HEAD + "width: wide", "width"),
        (HEAD + "width: 1\nwidth: 2", '"width" already set'),
        (HEAD + "width: [", "yaml: line"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configuration.decode(text.encode(), TYPES, "door.yaml")
    assert str(error.value).startswith("door.yaml: ")
    assert said in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"door\.yaml: No such file"):
        configuration.read(tmp_path / "door.yaml", TYPES)
