"""Documents that people write, read from strict YAML into typed models with errors that name file, line and key.

Used for settings, hardware profiles and policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from archlock.errors import ConfigError, UsageError, did_you_mean
from archlock.strict_yaml import LARGEST_CHARACTERS, KeyPath, Source, Value, dotted, parse_value, parse_yaml, to_yaml

__all__ = [
    "Document",
    "KeyPath",
    "MisplacedError",
    "Source",
    "dotted",
    "located",
    "parse_yaml",
    "read_yaml",
    "set_value",
    "to_yaml",
    "validate",
]

ModelT = TypeVar("ModelT", bound=BaseModel)

EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of reasonable size",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a word",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "string_too_short": "a word of {min_length} or more characters",
    "too_short": "{min_length} or more entries",
    "too_long": "{max_length} or fewer entries",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
}
"""What was expected, by pydantic's kind of fault; the braces take the limits of the field."""


class Document(BaseModel):
    """Base of every model read from YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class MisplacedError(ValueError):
    """Raised by a model's validator for a fault of one key below the model, such as a rule across several keys.

    Args:
        path: the key, from the model that the validator belongs to.
        message: what is wrong and what to do.
    """

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(f"{dotted(path)}: {message}")
        self.path = path
        self.message = message


def read_yaml(path: Path, name: str | None = None) -> Source:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ConfigError: missing or unreadable file, bad YAML, a key given twice, or a top level that is not a mapping.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(4 * LARGEST_CHARACTERS)
        return parse_yaml(content.decode("utf-8-sig"), shown)
    except FileNotFoundError:
        raise ConfigError(f"{shown}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{shown}: is a folder, expected a YAML file") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: not UTF-8 text; is this a YAML file?") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{shown!r:.200}: cannot be read: {reason}") from None


def set_value(source: Source, assignment: str, word_key: str | None = None) -> None:
    """Apply one ``a.b=value`` or ``a.b[0].c=value`` to a document in place; the value is read as YAML.

    Args:
        source: changed in place.
        assignment: a key that is not there is made, an entry of a list must exist.
        word_key: key that a bare word stands for where the assignment goes below it: with ``name``, ``a[0].c=1`` on
            ``a: [x]`` gives ``a: [{name: x, c: 1}]``.

    Raises:
        ConfigError: no ``=``, a malformed key, a value that is not YAML, or a path through something not a mapping.
    """
    shown = f"--set {assignment}" if len(assignment) <= 80 else f"--set {assignment[:77]}..."
    key, equals, text = assignment.partition("=")
    path = _key_path(key.strip())
    if not equals or not path:
        raise ConfigError(f"{shown}: expected a.b=VALUE or a.b[0]=VALUE")
    value = parse_value(text, shown)
    holder: Any = source.data
    for depth, part in enumerate(path[:-1], start=1):
        inner = _section(holder, part, path[:depth], shown, word_key)
        if inner is not (holder.get(part) if isinstance(holder, dict) else holder[part]):
            source.places[path[:depth]] = shown
            holder[part] = inner
        holder = inner
    _check_entry(holder, path[-1], path, shown)
    holder[path[-1]] = value
    for stale in [place for place in source.places if place[: len(path)] == path]:
        del source.places[stale]
    source.places[path] = shown


def _key_path(key: str) -> KeyPath:
    """``a.b[0]`` as a key path; empty where it is malformed."""
    if not re.fullmatch(r"[\w-]+(\[\d{1,6}\])*(\.[\w-]+(\[\d{1,6}\])*)*", key):
        return ()
    return tuple(int(index) if index else word for index, word in re.findall(r"\[(\d+)\]|([\w-]+)", key))


def _check_entry(holder: Any, part: str | int, path: KeyPath, shown: str) -> None:
    """See that a key or an index can be set in what holds it."""
    above = dotted(path[:-1])
    if isinstance(part, int):
        if not isinstance(holder, list):
            raise ConfigError(f"{shown}: {above}: is not given as a list; set the whole list")
        if part >= len(holder):
            raise ConfigError(f"{shown}: {above}: has {len(holder)} entries, counted from 0; set the whole list")
    elif not isinstance(holder, dict):
        raise ConfigError(f"{shown}: {above}: is a value, not a section")


def _section(holder: Any, part: str | int, path: KeyPath, shown: str, word_key: str | None) -> Any:
    """What stands at one more part of a path, or a new section where there is nothing or a bare word."""
    _check_entry(holder, part, path, shown)
    inner = holder.get(part) if isinstance(holder, dict) else holder[part]
    if inner is None:
        return {}
    return {word_key: inner} if isinstance(inner, str) and word_key is not None else inner


@contextmanager
def located(source: Source | None, *path: str | int) -> Iterator[None]:
    """Adds the place and key to a `UsageError` raised inside, such as an unknown name found after validation.

    A `ConfigError` that names a line, of another file, passes as it is; a plain `UsageError` becomes a `ConfigError`.
    """
    try:
        yield
    except UsageError as error:
        if isinstance(error, ConfigError) and re.match(r".+?:\d+: ", str(error)):
            raise
        kind = ConfigError if type(error) is UsageError else type(error)
        where = f"{source.place(path)}: {dotted(path)}" if source else dotted(path)
        raise kind(f"{where}: {error}") from error


def validate(model: type[ModelT], source: Source) -> ModelT:
    """Read a document into a typed model; types are taken as written: ``"3"`` is no number and ``yes`` no truth value.

    Raises:
        ConfigError: names the place and key of the first fault, what was expected and the nearest valid name.
    """
    try:
        # Strict by way of JSON, since JSON has no tuples and enumerations and pydantic takes lists and words for them.
        return model.model_validate_json(json.dumps(source.data), strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # A misspelt key is also a missing one; the misspelling is what helps.
        fault = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])
        raise ConfigError(_sentence(model, source, fault)) from None


def _sentence(model: type[BaseModel], source: Source, fault: Mapping[str, Any]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    cause = context.get("error")
    path = _visible(source.data, fault["loc"], kind) + (cause.path if isinstance(cause, MisplacedError) else ())
    where = f"{source.place(path)}: {dotted(path)}" if path else source.name
    if kind == "extra_forbidden":
        return f"{where}: unknown key.{did_you_mean(str(path[-1]), tuple(_fields_at(model, path[:-1])))}"
    if kind == "missing":
        return f"{where}: this key is required"
    if kind in ("value_error", "assertion_error"):
        return f"{where}: {cause.message if isinstance(cause, MisplacedError) else cause}"
    given = fault.get("input")
    if kind not in EXPECTED:
        return f"{where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}, not {_shown(given)}"
    return f"{where}: expected {EXPECTED[kind].format(**context)}, not {_shown(given)}{_meant(context, given)}"


def _meant(context: Mapping[str, Any], given: object) -> str:
    """The nearest of the words that would do, where a fault has such a list."""
    words = re.findall(r"'([^']+)'", str(context.get("expected", "")))
    return f".{did_you_mean(given, words)}" if isinstance(given, str) and words else ""


def _shown(given: Value) -> str:
    """A value as the user would write it, shortened."""
    if given is None:
        return "nothing"
    text = json.dumps(given, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _visible(data: Any, loc: tuple[Any, ...], kind: str) -> KeyPath:
    """The parts of a fault's path that stand in the document, without the tags that pydantic adds for unions."""
    path: list[str | int] = []
    for part in loc:
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int)):
            data = data[part]
            path.append(part)
    return (*path, loc[-1]) if kind == "missing" else tuple(path)


def _fields_at(model: type[BaseModel], path: KeyPath) -> Sequence[str]:
    """Field names of the model that stands at a key path; empty where that is not a model."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        fields = getattr(current, "model_fields", {})
        info = next((info for name, info in fields.items() if part in (name, info.alias)), None)
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
