"""Writes src/steersman/kinds/types/wire.bin: the protobuf field numbers of the API's messages.

Usage: generate_wire.py META_DIR API_DIR…, where META_DIR is pkg/apis/meta/v1 of k8s.io/apimachinery, and an API_DIR holds
types as GROUP/VERSION/types….go: a work tree of k8s.io/api, and the pkg/apis of k8s.io/apiextensions-apiserver and of
k8s.io/kube-aggregator. Where two have the same message, the later one counts: versions that are no more come from an older
k8s.io/api, given first. Only numbers and names are taken; the types themselves come from generate_types.py.

The result is JSON: {"core_v1.Pod": {"1": "metadata", …}}. A `*` behind a name marks a field whose presence means something
(a pointer in Go): others are sent even when they are zero, and zero then means absent. A `!` marks a list that travels as a
message of its items. `+Name` is a message whose fields belong to the outer object.
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
# A list with a name of its own that may be null.
_NULLABLE = re.compile(r"protobuf\.nullable=true\n(?:\s*//[^\n]*\n)*type (\w+) \[\]")
# All lists of objects are alike.
_LIST = {"1": "metadata", "2": "items"}

Messages = dict[str, dict[str, str]]


def read(source: str, module: str, found: Messages) -> None:
    """Collect the messages of one Go file."""
    message: dict[str, str] | None = None
    wrapped = set(_NULLABLE.findall(source))
    for line in source.splitlines():
        start = _STRUCT.match(line)
        if start:
            message = {}
            found[f"{module}.{start[1]}"] = message
        elif line.startswith("}"):
            message = None
        elif message is not None and (match := _FIELD.match(line)):
            _add(message, match[1] or "", match[2], match[3], wrapped)


def _add(message: dict[str, str], name: str, go_type: str, tags: str, wrapped: set[str]) -> None:
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
        mark = "*" if go_type.startswith("*") else "!" if go_type in wrapped else ""
        message[number[1]] = json_name + mark


def main() -> None:
    meta, roots = Path(sys.argv[1]), [Path(root) for root in sys.argv[2:]]
    found: Messages = {}
    for path in (path for root in roots for path in sorted(root.glob("*/v*/types*.go"))):
        group, version = path.parts[-3], path.parts[-2]
        read(path.read_text(), f"{group}_{version}", found)
    for name in ("types.go", "group_version.go"):
        read((meta / name).read_text(), "meta_v1", found)
    kept = {name: fields for name, fields in sorted(found.items()) if fields and fields != _LIST}
    target = Path(__file__).parents[1] / "src/steersman/kinds/types/wire.bin"
    target.write_text(json.dumps(kept, separators=(",", ":")) + "\n")
    print(f"{len(kept)} messages, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
