"""Strict YAML and typed documents: what is read, where each key stands, and how a fault reads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator

from archlock.documents import Document, MisplacedError, located, read_yaml, set_value, to_yaml, validate
from archlock.errors import ConfigError, RunFolderError, TaskError, UsageError
from archlock.strict_yaml import DEEPEST, parse_value, parse_yaml

NUMBERS = {
    "1e-3": 0.001,
    "1E+5": 100_000,
    ".5e-2": 0.005,
    "-2.5": -2.5,
    "+7": 7,
    "1_000": 1000,
    "0x1F": 31,
    "0o17": 15,
    "1.": 1.0,
    "6.02e23": 6.02e23,
}
WORDS = ["1.2.3", "1e", "e5", "-", ".", "no", "yes", "on", "off", "2026-01-31", "12:30", "1-2", "v1", "0x", "hybrid"]

words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029\ufeff"), max_size=12
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), words, st.sampled_from(WORDS)
)
plain = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4))


class Part(Document):
    size: int = Field(3, ge=1, le=9)
    ratio: float = 0.5
    mode: Literal["fast", "slow"] = "fast"
    on: bool = False


class Whole(Document):
    name: str = Field("a", min_length=1)
    part: Part = Part()
    parts: tuple[Part, ...] = Field((), max_length=3)
    either: int | Part = 1
    needed: float | None

    @model_validator(mode="after")
    def _small_enough(self) -> Whole:
        for index, part in enumerate(self.parts):
            if part.size > self.part.size:
                raise MisplacedError(("parts", index, "size"), f"is above {self.part.size}")
        return self


def read(text: str) -> Whole:
    return validate(Whole, parse_yaml(text, "w.yaml"))


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_numbers(text: str) -> None:
    value = parse_value(text, "w")
    assert value == NUMBERS[text]
    assert type(value) is type(NUMBERS[text])


@pytest.mark.parametrize("text", WORDS)
def test_words_stay_words(text: str) -> None:
    assert parse_value(text if text != "-" else "'-'", "w") == text


def test_infinity_nan_null_and_truth() -> None:
    assert parse_value("[.inf, -.INF, ~, null, true, FALSE]", "w") == [math.inf, -math.inf, None, None, True, False]
    assert math.isnan(parse_value(".nan", "w"))  # type: ignore[arg-type]
    assert parse_value("", "w") is None


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(words, plain, max_size=5))
def test_what_is_written_is_read_back(data: dict[str, object]) -> None:
    assert parse_yaml(to_yaml(data), "w.yaml").data == data


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=12, unique=True), st.data())
def test_places_are_the_lines_of_the_keys(keys: list[str], data: st.DataObject) -> None:
    lines: list[str] = []
    expected = {}
    for key in keys:
        lines += ["# a remark"] * data.draw(st.integers(0, 2))
        lines += [f"{key}:", "  deep: 1", "  entries:", "    - {x: 2}"]
        expected[(key,)] = len(lines) - 3
        expected[(key, "deep")] = len(lines) - 2
        expected[(key, "entries", 0, "x")] = len(lines)
    source = parse_yaml("\n".join(lines), "w.yaml")
    assert all(source.place(path) == f"w.yaml:{line}" for path, line in expected.items())
    assert source.place((keys[0], "deep", "deeper")) == f"w.yaml:{expected[(keys[0], 'deep')]}", "the nearest parent"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"%@`#?, \n\t0.eE\\ux", max_size=60))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    try:
        parse_yaml(text, "w.yaml")
    except ConfigError as error:
        assert str(error).startswith("w.yaml")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


FAULTS = {
    "a: 1\nb: 2\na: 3": r"^w\.yaml:3: a: given twice; first at w\.yaml:1$",
    "p:\n  x: 1\n  x: 2": r"^w\.yaml:3: p\.x: given twice",
    "a: &x [1]\nb: *x": r"^w\.yaml:2: .*alias \*x",
    "a: !!python/name:os.system x": r"^w\.yaml:1: .*tag",
    "a: !!binary aGk=": "tag",
    "1: x": r"^w\.yaml:1: a key must be a word, not '1'; use quotes$",
    "? [a]\n: b": "a key must be a word",
    "- a": "expected keys and values at the top level, not a list",
    "word": "not a single value",
    "a: [1": r"^w\.yaml:\d: not valid YAML: while parsing a flow sequence",
    "a: 1\n\tb: 2": r"^w\.yaml:2: not valid YAML",
    "a: 1\n---\nb: 2": "single document",
    "a: \x00": r"^w\.yaml:1: character U\+0000 is not allowed$",
    'a: "\\ud800"': "lone surrogate",
    'a: "\\U00110000"': "not valid YAML",
    "a: " + "9" * 9000: "9000 digits",
    "[" * 100_000: f"nested more than {DEEPEST} deep",
    "a: 1\n" * 300_000: "larger than",
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:20])
def test_bad_yaml_is_one_line_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=FAULTS[text]) as caught:
        parse_yaml(text, "w.yaml")
    assert "\n" not in str(caught.value)


def test_a_document_of_aliases_never_grows() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(ConfigError, match=r"w\.yaml:2: .*write the value out"):
        parse_yaml(bomb, "w.yaml")


WRONG = {
    "needed: 1\nnmae: x": r"^w\.yaml:2: nmae: unknown key\. Did you mean 'name'\?$",
    "nedeed: 1": r"^w\.yaml:1: nedeed: unknown key\. Did you mean 'needed'\?$",
    "needed: 1\npart:\n  siez: 2": r"^w\.yaml:3: part\.siez: unknown key\. Did you mean 'size'\?$",
    "needed: 1\nparts:\n- {size: 1}\n- {siez: 2}": r"^w\.yaml:4: parts\[1\]\.siez: unknown key\. Did .* 'size'\?$",
    "name: a": r"^w\.yaml:1: needed: this key is required$",
    "needed: '1'": r'^w\.yaml:1: needed: expected a number, not "1"$',
    "needed: 1\npart: {on: yes}": r'part\.on: expected true or false, not "yes"$',
    "needed: 1\npart: {size: 1.5}": r"part\.size: expected a whole number, not 1\.5$",
    "needed: 1\npart: {size: 0}": r"part\.size: expected a number of at least 1, not 0$",
    "needed: 1\npart: {size: 10}": r"part\.size: expected a number of at most 9, not 10$",
    "needed: .nan": r"needed: expected a finite number, not NaN$",
    "needed: 1e999": r"needed: expected a finite number, not Infinity$",
    "needed: 1\npart: {mode: fats}": r"expected 'fast' or 'slow', not \"fats\"\. Did you mean 'fast'\?$",
    "needed: 1\npart:": r"^w\.yaml:2: part: expected keys and values, not nothing$",
    "needed: 1\nparts: 3": r"parts: expected a list, not 3$",
    "needed: 1\nparts: [{}, {}, {}, {}]": r"parts: expected 3 or fewer entries, not",
    "needed: 1\nname: ''": r"name: expected a word of 1 or more characters",
    "needed: 1\neither: {size: many}": r"^w\.yaml:2: either(\.size)?: expected .*, not .*$",
    "needed: 1\nparts: [{size: 2}, {size: 7}]": r"^w\.yaml:2: parts\[1\]\.size: is above 3$",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_names_place_key_and_what_was_expected(text: str) -> None:
    with pytest.raises(ConfigError, match=WRONG[text]) as caught:
        read(text)
    assert "Part" not in str(caught.value), "the names of models and of union members are ours, not the user's"


def test_a_whole_number_may_be_written_with_an_exponent() -> None:
    assert read("needed: 1e-3\npart: {size: 5e0, ratio: 2}").part == Part(size=5, ratio=2.0)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("part.size=5", {"part": {"size": 5}, "items": ["x", {"k": 1}], "none": None}),
        ("items=[1, 2]", {"part": {"size": 1}, "items": [1, 2], "none": None}),
        ("items[1].k=.5e-2", {"part": {"size": 1}, "items": ["x", {"k": 0.005}], "none": None}),
        ("items[0].k=2", {"part": {"size": 1}, "items": [{"word": "x", "k": 2}, {"k": 1}], "none": None}),
        ("items[0]=a=b", {"part": {"size": 1}, "items": ["a=b", {"k": 1}], "none": None}),
        ("none.a.b=", {"part": {"size": 1}, "items": ["x", {"k": 1}], "none": {"a": {"b": None}}}),
    ],
)
def test_assignments(assignment: str, expected: object) -> None:
    source = parse_yaml("part: {size: 1}\nitems: [x, {k: 1}]\nnone:", "w.yaml")
    set_value(source, assignment, word_key="word")
    assert source.data == expected


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("part", r"expected a\.b=VALUE"),
        ("=1", r"expected a\.b=VALUE"),
        ("a..b=1", r"expected a\.b=VALUE"),
        ("a[x]=1", r"expected a\.b=VALUE"),
        ("part.size.x=1", "part.size: is a value, not a section"),
        ("items[2]=1", "items: has 2 entries"),
        ("part[0]=1", "part: is not given as a list"),
        ("nothing[0]=1", "nothing: is not given as a list"),
        ("part.size=[1", "not valid YAML"),
    ],
)
def test_a_wrong_assignment_names_itself(assignment: str, message: str) -> None:
    source = parse_yaml("part: {size: 1}\nitems: [x, {k: 1}]", "w.yaml")
    with pytest.raises(ConfigError, match=message) as caught:
        set_value(source, assignment)
    assert str(caught.value).startswith(f"--set {assignment}")


def test_a_fault_in_an_assigned_value_names_the_assignment_and_not_the_line_it_replaced() -> None:
    source = parse_yaml("needed: 1\nparts:\n- {size: 2}", "w.yaml")
    set_value(source, "parts=[{siez: 3}]")
    with pytest.raises(ConfigError, match=r"^--set parts=\[\{siez: 3\}\]: parts\[0\]\.siez: unknown key"):
        validate(Whole, source)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    cases = {"none.yaml": "no such file", "": "is a folder", "latin.yaml": r"latin\.yaml:2: not UTF-8"}
    for name, message in cases.items():
        with pytest.raises(ConfigError, match=message):
            read_yaml(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / ("x" * 400))
    assert read_yaml(tmp_path / "bom.yaml").data == {"a": 1}


def test_located_adds_the_place_and_keeps_the_kind_of_error() -> None:
    source = parse_yaml("a:\n  b: 1", "w.yaml")
    with pytest.raises(TaskError, match=r"^w\.yaml:2: a\.b: no such task$"), located(source, "a", "b"):
        raise TaskError("no such task")
    with pytest.raises(ConfigError, match=r"^a\.b\[2\]: wrong$"), located(None, "a", "b", 2):
        raise UsageError("wrong")
    with pytest.raises(ConfigError, match=r"^other\.yaml:3: c: wrong$"), located(source, "a"):
        raise ConfigError("other.yaml:3: c: wrong")
    with pytest.raises(ConfigError, match=r"^w\.yaml:2: a\.b: other\.yaml: no such file$"), located(source, "a", "b"):
        raise ConfigError("other.yaml: no such file")
    with pytest.raises(RunFolderError, match=r"^w\.yaml:1: a: x$"), located(source, "a"):
        raise RunFolderError("x")
