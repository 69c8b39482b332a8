"""Writes src/steersman/kinds/types/wire.bin: the protobuf field numbers of the API's messages.

Usage: generate_wire.py API_DIR META_FILE, where API_DIR is a work tree of k8s.io/api and META_FILE the types.go of meta/v1 in
k8s.io/apimachinery. Only numbers and names are taken from them; the types themselves come from generate_types.py.

The result is JSON: {"core_v1.Pod": {"1": "metadata", …}}. A `*` behind a name marks a field whose presence means something
(a pointer in Go): others are sent even when they are zero, and zero then means absent. `+Name` is a message whose fields
belong to the outer object.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

_STRUCT = re.compile(r"^type (\w+) struct \{$")
_FIELD = re.compile(r"^\s+(?:(\w+)\s+)?([\w.*\[\]]+)\s+`([^`]*)`")
_JSON = re.compile(r'json:"([^"]*)"')
_PROTOBUF = re.compile(r'protobuf:"(?:bytes|varint|fixed64),(\d+),')
_MODULES = {"": "core", "internal.apiserver.k8s.io": "apiserverinternal"}

Messages = dict[str, dict[str, str]]


def read(source: str, module: str, found: Messages) -> None:
    """Collect the messages of one Go file."""
    message: dict[str, str] | None = None
    for line in source.splitlines():
        start = _STRUCT.match(line)
        if start:
            message = {}
            found[f"{module}.{start[1]}"] = message
        elif line.startswith("}"):
            message = None
        elif message is not None and (match := _FIELD.match(line)):
            _add(message, match[1] or "", match[2], match[3])


def _add(message: dict[str, str], name: str, go_type: str, tags: str) -> None:
    number, wire = _PROTOBUF.search(tags), _JSON.search(tags)
    if number is None or wire is None:
        return
    json_name, _, options = wire[1].partition(",")
    if "inline" in options:
        message[number[1]] = "+" + go_type.lstrip("*")
    elif not json_name and not name:
        # Embedded: encoding/json flattens it, protobuf does not.
        message[number[1]] = "+" + go_type.lstrip("*")
    elif json_name not in ("", "-"):
        message[number[1]] = json_name + ("*" if go_type.startswith("*") else "")


def main() -> None:
    root, meta = Path(sys.argv[1]), Path(sys.argv[2])
    found: Messages = {}
    for path in sorted(root.glob("*/v*/types*.go")):
        group, version = path.parts[-3], path.parts[-2]
        read(path.read_text(), f"{group}_{version}", found)
    read(meta.read_text(), "meta_v1", found)
    kept = {name: fields for name, fields in sorted(found.items()) if fields and not name.endswith("List")}
    target = Path(__file__).parents[1] / "src/steersman/kinds/types/wire.bin"
    target.write_text(json.dumps(kept, separators=(",", ":")) + "\n")
    print(f"{len(kept)} messages, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
