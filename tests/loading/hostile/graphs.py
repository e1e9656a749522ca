"""Exported programs whose graph holds code, operators that could run some, or work without end."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.corpus import Corpus
from hostile.genuine import program
from hostile.payloads import changed_json, rezipped

CORPUS = Corpus()
FORMULAS = {
    "__import__('os').system('touch {canary}')": r"__import__.* is not integer arithmetic \(unexpected",
    'eval(\'open("{canary}", "w")\')': r"eval.* is not integer arithmetic \(unexpected",
    "Symbol('s0').__class__.__init__.__globals__['os'].system('touch {canary}')": r"\(unexpected '\.__class__",
    "(lambda: open('{canary}', 'w'))()": r"lambda.* is not integer arithmetic \(unexpected \": open",
    "[open('{canary}', 'w')]": r"is not integer arithmetic \(unexpected \"\[open",
    "s0 if open('{canary}', 'w') else s1": r"s0 if open.* is not integer arithmetic \(unexpected",
    "s0 if s1 else s2": r"is not integer arithmetic \(unexpected 'if'\)",
    "os": r"is not integer arithmetic \(the name 'os'\)",
    "exec(s0)": r"is not integer arithmetic \(the function 'exec'\)",
    "Integer(10)**10**10**10": r"is not integer arithmetic \(a power",
    "Lambda(s0, open('{canary}', 'w'))": r"Lambda.* is not integer arithmetic \(unexpected",
    "Symbol('s0', positive=open('{canary}', 'w'))": r"positive=open.* is not integer arithmetic \(unexpected",
    "Mul(" * 5000 + "s0" + ")" * 5000: r"is not integer arithmetic \(too long\)",
    "Mul(" * 500 + "s0" + ")" * 500: r"is not integer arithmetic \(nested too deeply\)",
}
NO_ATEN, UNKNOWN = "' is not one of aten's", "is not known to be safe"
TARGETS = {
    "os.system": rf"'os\.system{NO_ATEN}",
    "torch.ops.evil.run.default": rf"'torch\.ops\.evil\.run\.default{NO_ATEN}",
    "builtins.eval": rf"'builtins\.eval{NO_ATEN}",
    "torch.load": rf"'torch\.load{NO_ATEN}",
    "torch.ops.aten.set_.source_Storage": rf"aten\.set_\.source_Storage {UNKNOWN}",
    "torch.ops.aten._unsafe_index.Tensor": rf"aten\._unsafe_index\.Tensor {UNKNOWN}",
    "torch.ops.higher_order.cond": rf"'torch\.ops\.higher_order\.cond{NO_ATEN}",
    "torch.ops.aten.from_file.default": rf"aten\.from_file\.default {UNKNOWN}",
    "torch.ops.aten.__class__.default": rf"aten\.__class__\.default {UNKNOWN}",
    "_operator.attrgetter": rf"'_operator\.attrgetter{NO_ATEN}",
}


def with_graph(change: Callable[[Any], None]) -> bytes:
    """A program whose graph is changed."""
    return changed_json(program(), model_json(), change)


def model_json() -> str:
    with zipfile.ZipFile(io.BytesIO(program())) as archive:
        return next(name for name in archive.namelist() if "/models/" in name)


def with_formula(formula: str) -> bytes:
    """A program with a formula as one of its sizes."""

    def edit(value: Any) -> None:
        sizes = next(iter(value["graph_module"]["graph"]["tensor_values"].values()))["sizes"]
        sizes[0] = {"as_expr": {"expr_str": formula, "hint": {"as_int": 2}}}

    return changed_json(program(), model_json(), edit)


def with_target(target: str) -> bytes:
    """A program with another operator in the place of its first."""
    return with_graph(lambda value: value["graph_module"]["graph"]["nodes"][0].update(target=target))


CORPUS.each(
    "formula", "model.pt2", FORMULAS, lambda canary, value: with_formula(value.replace("{canary}", str(canary)))
)
CORPUS.each("target", "model.pt2", TARGETS, lambda canary, value: with_target(value))


@CORPUS.add("model.pt2", r"guard: \"open.* is not integer arithmetic")
def guard_code(canary: Path) -> bytes:
    return with_graph(lambda value: value.update(guards_code=[f"open({str(canary)!r}, 'w')"]))


@CORPUS.add("model.pt2", r"guard: .*__import__.* is not integer arithmetic")
def guard_behind_a_size(canary: Path) -> bytes:
    guard = f"L['x'].size()[2] == __import__('os').system('touch {canary}')"
    return with_graph(lambda value: value.update(guards_code=[guard]))


@CORPUS.add("model.pt2", r"\"open.* is not integer arithmetic")
def range_of_code(canary: Path) -> bytes:
    spread = {f"open('{canary}', 'w')": {"min_val": 1, "max_val": 2}}
    return with_graph(lambda value: value.update(range_constraints=spread))


NO_TABLE = "guards_code is no list or range_constraints no object"
CORPUS.each(
    "no_table", "model.pt2",
    dict.fromkeys((("range_constraints", True), ("range_constraints", "s0"), ("guards_code", 7)), NO_TABLE),
    lambda canary, value: with_graph(lambda whole: whole.update([value])),
)  # fmt: skip


@CORPUS.add("model.pt2", r"models/model\.json: nested too deeply")
def deep_json(canary: Path) -> bytes:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    return rezipped(program(), lambda members: members.update({model_json(): deep}))


@CORPUS.add("model.pt2", r"models/model\.json: damaged: Exceeds the limit")
def endless_number(canary: Path) -> bytes:
    return rezipped(program(), lambda members: members.update({model_json(): b'{"a": ' + b"9" * 10**6 + b"}"}))


def _ints(name: str, values: list[int]) -> dict[str, Any]:
    return {"name": name, "arg": {"as_ints": values}, "kind": 1}


@CORPUS.add("model.pt2", r"operator 2 \(repeat\): gives 2,048,000,000,000,000 bytes, more than")
def huge_activation(canary: Path) -> bytes:
    def edit(value: Any) -> None:
        node = value["graph_module"]["graph"]["nodes"][2]
        node["target"] = "torch.ops.aten.repeat.default"
        node["inputs"] = [node["inputs"][0], _ints("repeats", [1, 10**4, 10**4, 10**4])]

    return with_graph(edit)


@CORPUS.add("model.pt2", r"operator 2 \(avg_pool2d\): .*stride should not be zero")
def division_by_zero(canary: Path) -> bytes:
    def edit(value: Any) -> None:
        node = value["graph_module"]["graph"]["nodes"][2]
        node["target"] = "torch.ops.aten.avg_pool2d.default"
        node["inputs"] = [node["inputs"][0], _ints("kernel_size", [0, 0]), _ints("stride", [0, 0])]

    return with_graph(edit)
