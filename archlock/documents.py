"""Strict YAML: documents that people write, read into typed models with errors that name file, line and key.

Used for settings, hardware profiles and policies. A key given twice is an error and ``1e-3`` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from archlock.errors import ConfigError, did_you_mean

KeyPath = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


class Document(BaseModel):
    """Base of every model read from YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML with 1e-3 as a number and duplicate keys refused."""


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$"),
    list("-+0123456789."),
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


def read_yaml(path: Path, name: str | None = None) -> Source:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ConfigError: missing or unreadable file, bad YAML, a key given twice, or a top level that is not a mapping.
    """
    shown = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{shown}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown}: cannot be read: {error}") from None
    return parse_yaml(text, shown)


def parse_yaml(text: str, name: str) -> Source:
    """Parse YAML text; ``name`` stands for the file in messages. Raises as `read_yaml`."""
    loader: yaml.SafeLoader | None = None
    try:
        loader = _StrictLoader(text)
        node = loader.get_single_node()
        source = Source(name, {})
        if node is not None:
            data = _construct(loader, node, (), source)
            if not isinstance(data, dict):
                raise ConfigError(f"{name}:1: expected keys and values at the top level")
            source.data = data
        return source
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _construct(loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath, source: Source) -> Any:
    """Plain data of a node; notes the place of every key on the way."""
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        return _construct_mapping(loader, node, path, source)
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            source.places[(*path, index)] = f"{source.name}:{child.start_mark.line + 1}"
        return [_construct(loader, child, (*path, index), source) for index, child in enumerate(node.value)]
    return loader.construct_object(node, deep=True)


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, path: KeyPath, source: Source) -> Any:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = f"{source.name}:{key_node.start_mark.line + 1}"
        key: Hashable = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise ConfigError(f"{place}: {key!r}: a key must be a word")
        here = (*path, key)
        if key in found:
            raise ConfigError(f"{place}: {dotted(here)}: given twice; first at {source.places[here]}")
        source.places[here] = place
        found[key] = _construct(loader, value_node, here, source)
    return found


def set_value(source: Source, assignment: str) -> None:
    """Apply one ``a.b=value`` to a document in place; the value is read as YAML.

    Raises:
        ConfigError: no ``=``, an empty key, a value that is not YAML, or a path through something not a mapping.
    """
    shown = f"--set {assignment}"
    key, equals, text = assignment.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise ConfigError(f"{shown}: expected a.b=value")
    value = parse_yaml(f"value: {text}" if text.strip() else "value: null", shown).data["value"]
    mapping = source.data
    for depth, part in enumerate(path[:-1], start=1):
        inner = mapping.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{shown}: {dotted(path[:depth])} is a value, not a section")
        mapping = inner
    mapping[path[-1]] = value
    source.places[path] = shown


def validate(model: type[ModelT], source: Source) -> ModelT:
    """Read a document into a typed model.

    Raises:
        ConfigError: names the place and key of the first fault, what was expected and the nearest valid name.
    """
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # A misspelt key is also a missing one; the misspelling is what helps.
        fault = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])
        kind, message, given = fault["type"], fault["msg"], fault.get("input")
        raise ConfigError(_sentence(model, source, fault["loc"], kind, message, given)) from None


def _sentence(model: type[BaseModel], source: Source, loc: KeyPath, kind: str, message: str, given: object) -> str:
    path = tuple(part for part in loc if (not isinstance(part, str)) or part in _words(source, model, loc))
    where = f"{source.place(path)}: {dotted(path)}"
    if kind == "extra_forbidden":
        return f"{where}: unknown key.{did_you_mean(str(path[-1]), tuple(_fields_at(model, path[:-1])))}"
    if kind == "missing":
        return f"{where}: this key is required"
    shown = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = shown[:1].lower() + shown[1:]
    if kind in ("value_error", "assertion_error"):
        return f"{where}: {shown}" if path else f"{source.name}: {shown}"
    return f"{where}: {shown}, not {given!r:.80}"


def _words(source: Source, model: type[BaseModel], loc: KeyPath) -> set[str]:
    """Parts of a fault's path that the user can see: keys of the document or fields, no union tags."""
    seen = {str(part) for path in source.places for part in path}
    return seen | set(_fields_at(model, ())) | {str(loc[-1])} if loc else seen


def _fields_at(model: type[BaseModel], path: KeyPath) -> Sequence[str]:
    """Field names of the model that stands at a key path; empty where that is not a model."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        info = getattr(current, "model_fields", {}).get(part)
        current = _inner_model(info.annotation) if info is not None else None
    return [info.alias or name for name, info in getattr(current, "model_fields", {}).items()]


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if inner is not None:
            return inner
    return None


def dotted(path: KeyPath) -> str:
    """``a.b[0]`` for a key path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
