"""YAML as people mean it: the core schema of YAML 1.2 without what surprises or harms, and the place of every key.

``1e-3`` is a number, ``no`` and ``1.2.3`` are words, dates stay words. A key given twice, an alias, a tag and very deep
nesting are errors, so that no document can grow while it is read. Holds no models: see `archlock.documents`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from archlock.errors import ConfigError

KeyPath = tuple[str | int, ...]
Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""What a document holds."""

DEEPEST = 40
LARGEST_CHARACTERS = 1_000_000
LARGEST_EXACT = 2**53
"""Above this a float does not hold every whole number."""

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"^(~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^([-+]?\d[\d_]*|0o[0-7]+|0x[0-9a-fA-F]+)$", re.ASCII)
_FLOAT = re.compile(
    r"^([-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$", re.ASCII
)


@dataclass
class Source:
    """A parsed document that still knows where each key stood.

    Attributes:
        name: the file, as the user named it.
        data: plain dicts, lists and scalars.
        places: ``file:line`` of each key path.
    """

    name: str
    data: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, path: KeyPath) -> str:
        """``file:line`` of a key, or of its nearest parent that has one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return f"{self.name}:1"


def parse_yaml(text: str, name: str) -> Source:
    """Parse YAML whose top level is a mapping; ``name`` stands for the file in messages. Empty text has no keys.

    Raises:
        ConfigError: bad YAML, a key given twice, an alias, a tag, or a top level that is not a mapping.
    """
    source = Source(name, {})
    data = _Reader(name, source.places).read(text)
    if data is not None:
        if not isinstance(data, dict):
            raise ConfigError(f"{name}:1: expected keys and values at the top level, not {_kind(data)}")
        source.data = data
    return source


def parse_value(text: str, name: str) -> Value:
    """Parse YAML that may be one word, a number, a list or a mapping; raises as `parse_yaml`, without lines."""
    return _Reader(name, {}, lined=False).read(text)


def to_yaml(data: object) -> str:
    """YAML text of plain data that `parse_yaml` reads back as the same data."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True)
    return text


def dotted(path: KeyPath) -> str:
    """``a.b[0]`` for a key path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _kind(data: Value) -> str:
    return "a list" if isinstance(data, list) else "a single value"


class _Composer(yaml.SafeLoader):
    """Nodes of a document; refuses what could make it larger or deeper than it looks, and tags."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name, filled below
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        fault = ""
        if isinstance(event, yaml.AliasEvent):
            fault = f"alias *{event.anchor} is not read here; write the value out"
        elif event.tag not in (None, "!"):
            fault = f"tag {event.tag} is not read here; leave it out"
        elif self.depth >= DEEPEST:
            fault = f"nested more than {DEEPEST} deep"
        if fault:
            raise yaml.composer.ComposerError(None, None, fault, event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Writes words in quotes where `_Composer` would read them as something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as above

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _kind_of in (_Composer, _Dumper):
    _kind_of.add_implicit_resolver(f"{_TAG}null", _NULL, ["~", "n", "N", ""])
    _kind_of.add_implicit_resolver(f"{_TAG}bool", _BOOL, list("tTfF"))
    _kind_of.add_implicit_resolver(f"{_TAG}int", _INT, list("-+0123456789"))
    _kind_of.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))


class _Reader:
    """Turns text into plain data and notes where each key stands."""

    def __init__(self, name: str, places: dict[KeyPath, str], lined: bool = True) -> None:
        self._name = name
        self._places = places
        self._lined = lined

    def read(self, text: str) -> Value:
        """Plain data; raises `ConfigError` with the place."""
        if len(text) > LARGEST_CHARACTERS:
            raise ConfigError(f"{self._name}: larger than {LARGEST_CHARACTERS} characters; is this the right file?")
        try:
            loader = _Composer(text)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position)
            raise ConfigError(f"{self._at(line)}: character U+{ord(text[error.position]):04X} is not allowed") from None
        try:
            node = loader.get_single_node()
            return None if node is None else self._value(node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            cause = ", ".join(" ".join(part.split()) for part in (error.context, error.problem) if part)
            raise ConfigError(f"{self._at(mark.line if mark else 0)}: not valid YAML: {cause}") from None
        except ValueError as error:  # an escape beyond the last character of Unicode
            raise ConfigError(f"{self._name}: not valid YAML: {' '.join(str(error).split())}") from None
        finally:
            loader.dispose()

    def _at(self, line: int) -> str:
        return f"{self._name}:{line + 1}" if self._lined else self._name

    def _value(self, node: yaml.Node, path: KeyPath) -> Value:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node.value, path)
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self._places[(*path, index)] = self._at(child.start_mark.line)
            return [self._value(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, pairs: Sequence[tuple[yaml.Node, yaml.Node]], path: KeyPath) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key_node, value_node in pairs:
            place = self._at(key_node.start_mark.line)
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                where = f"{place}: {dotted(path)}".removesuffix(": ")
                raise ConfigError(f"{where}: a key must be a word, not {_shown(key_node)}; use quotes")
            here = (*path, key)
            if key in found:
                raise ConfigError(f"{place}: {dotted(here)}: given twice; first at {self._places[here]}")
            self._places[here] = place
            found[key] = self._value(value_node, here)
        return found

    def _scalar(self, node: yaml.Node, path: KeyPath) -> str | int | float | bool | None:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        where = f"{self._at(node.start_mark.line)}: {dotted(path)}".removesuffix(": ")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            try:
                return int(text.replace("_", ""), {"0o": 8, "0x": 16}.get(text[:2], 10))
            except ValueError:  # Python refuses thousands of digits, which take long to read
                raise ConfigError(f"{where}: a number of {len(text)} digits is too long") from None
        if kind == "float":
            return _number(text.replace("_", ""))
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ConfigError(f"{where}: holds half a character (a lone surrogate)")
        return text


def _number(text: str) -> float | int:
    """A float; a whole one written with an exponent, such as 1e3, is an int and so fits where a count is expected."""
    if text.lstrip("+-").startswith((".i", ".I", ".n", ".N")):
        return float(text.replace(".", "", 1))
    value = float(text)
    exact = "e" in text.lower() and value.is_integer() and abs(value) < LARGEST_EXACT
    return int(value) if exact else value


def _shown(node: yaml.Node) -> str:
    return repr(node.value)[:40] if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
