"""A set of nftables chains, sets and map elements as plain data, and the shortest text that turns one into another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Elements = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class RuleSet:
    """``chains``: name → rules. ``sets``: name → declaration, for sets that the kernel fills itself.
    ``elements``: map or set → key → verdict (empty in a set). The maps themselves belong to the frame.
    """

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    elements: Elements = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """``text`` is one transaction. ``cleanup`` is a second one, for what the first left unused: kernels refuse
    to delete a chain in the transaction that takes its last mention out of a map.
    """

    text: str
    cleanup: str

    @property
    def empty(self) -> bool:
        return not self.text and not self.cleanup


def diff(table: str, old: RuleSet, new: RuleSet) -> Change:
    """What must be run when the table ``ip <table>`` holds ``old`` to make it hold ``new``."""
    fresh_chains = [name for name in new.chains if name not in old.chains]
    changed = [name for name, rules in new.chains.items() if name in old.chains and old.chains[name] != rules]
    gone_chains = [name for name in old.chains if name not in new.chains]
    gone_sets = [name for name in old.sets if name not in new.sets]
    lines = [f"add set ip {table} {name} {new.sets[name]}" for name in new.sets if name not in old.sets]
    lines += [f"add chain ip {table} {name}" for name in fresh_chains]
    lines += _element_lines("delete", table, _differing(old.elements, new.elements), with_values=False)
    lines += [f"flush chain ip {table} {name}" for name in (*changed, *gone_chains)]
    for name in (*fresh_chains, *changed):
        lines += [f"add rule ip {table} {name} {rule}" for rule in new.chains[name]]
    lines += _element_lines("add", table, _differing(new.elements, old.elements), with_values=True)
    cleanup = [f"delete chain ip {table} {name}" for name in gone_chains]
    cleanup += [f"delete set ip {table} {name}" for name in gone_sets]
    return Change(_text(lines), _text(cleanup))


def load(table: str, frame: str, new: RuleSet, present: Mapping[str, str]) -> Change:
    """What makes ``ip <table>`` hold the frame and ``new``, whatever it held, keeping sets that the kernel fills.

    ``present`` is what is ``declared`` in the table now; ``frame`` declares the table, its maps and base
    chains with their rules.
    """
    kept = {name: declaration for name, declaration in new.sets.items() if name in present}
    framed = declared(frame)
    unwanted = [name for name in present if name not in framed and name not in new.chains and name not in kept]
    emptied = [name for name in present if name not in kept]
    lines = [f"add table ip {table}", *(f"flush {present[name]} ip {table} {name}" for name in emptied), frame]
    lines.append(diff(table, RuleSet(sets=kept), new).text)
    unwanted.sort(key=lambda name: present[name] != "chain")  # chains first: their rules hold the sets
    return Change(_text(lines), _text([f"delete {present[name]} ip {table} {name}" for name in unwanted]))


def declared(listing: str) -> dict[str, str]:
    """name → kind of the chains, sets and maps in nft's listing (or declaration) of one table."""
    found = {}
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] in ("chain", "set", "map") and words[2] == "{":
            found[words[1]] = words[0]
    return found


def _differing(these: Elements, others: Elements) -> dict[str, dict[str, str]]:
    """The elements of ``these`` that ``others`` has not, or has otherwise."""
    found: dict[str, dict[str, str]] = {}
    for name, elements in these.items():
        counterpart = others.get(name, {})
        if elements is counterpart:
            continue
        differing = {key: value for key, value in elements.items() if counterpart.get(key) != value}
        if differing:
            found[name] = differing
    return found


def _element_lines(verb: str, table: str, elements: Elements, *, with_values: bool) -> list[str]:
    lines = []
    for name, found in elements.items():
        texts = [f"{key} : {value}" if value and with_values else key for key, value in found.items()]
        lines.append(f"{verb} element ip {table} {name} {{ {', '.join(texts)} }}")
    return lines


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines if line)
