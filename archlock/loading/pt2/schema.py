"""The JSON of an exported program, read field by field into a `Program`; nothing of it is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archlock.errors import ModelError
from archlock.loading.limits import Limits
from archlock.loading.pt2.arguments import argument, dotted_name, value_name
from archlock.loading.pt2.expressions import check_expression, check_guard
from archlock.loading.pt2.operators import CHECKS, aten_name, check_target
from archlock.loading.pt2.program import Program, Ref, Step, Stored, refs_in
from archlock.loading.strict_json import field, only

MAJOR_VERSION = 8
LARGEST_SIZE = 2**31
DECOMPOSED = frozenset(("convolution", "addmm", "native_layer_norm", "_native_batch_norm_legit_no_training"))
"""Operators that only decomposed programs hold."""
DROPOUTS = frozenset(("dropout", "dropout_", "native_dropout", "feature_dropout", "alpha_dropout"))


def read_program(json: Mapping[str, Any], where: str, limits: Limits) -> Program:
    """A checked program.

    Raises:
        ModelError: another version, an operator or argument that is not read, a formula that is not arithmetic,
            several inputs or outputs, a value used before it is made, or writes to what is stored.
    """
    _check_version(json, where)
    _check_formulas(json, where)
    module = field(json, "graph_module", dict, where)
    graph = field(module, "graph", dict, where)
    nodes = field(graph, "nodes", list, where)
    if len(nodes) > limits.nodes:
        raise ModelError(f"{where}: {len(nodes):,} operators, more than the {limits.nodes:,} allowed")
    stored, inputs = _inputs(field(module, "signature", dict, where), where)
    output = _output(field(module, "signature", dict, where), where)
    sizes = dict(_sizes(field(graph, "tensor_values", dict, where), where, hints=False))
    examples = dict(_sizes({inputs: graph["tensor_values"].get(inputs)}, where, hints=True))
    names = tuple(_size_name(size) for size in graph["tensor_values"][inputs]["sizes"])
    steps = tuple(_steps(nodes, stored, where))
    _check_order(steps, {each.value for each in stored} | {inputs}, output, where)
    return Program(stored, inputs, sizes[inputs], examples[inputs], names, steps, output, sizes, _traits(nodes, steps))


def _check_version(json: Mapping[str, Any], where: str) -> None:
    version = field(json, "schema_version", dict, where)
    if version.get("major") != MAJOR_VERSION:
        raise ModelError(
            f"{where}: exported program of version {version.get('major')!r:.20}, expected {MAJOR_VERSION}; "
            "export it again with a current torch"
        )


def _check_formulas(value: Any, where: str) -> None:
    """Every formula anywhere in the file, used or not, since the next reader may run it."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            if "expr_str" in item:
                check_expression(field(item, "expr_str", str, where), where)
            pending.extend(item.values())
    if isinstance(value, dict):
        guards, ranges = value.get("guards_code") or [], value.get("range_constraints") or {}
        if not isinstance(guards, list) or not isinstance(ranges, dict):
            raise ModelError(f"{where}: guards_code is no list or range_constraints no object: damaged")
        for guard in guards:
            check_guard(guard if isinstance(guard, str) else repr(guard), f"{where}: guard")
        for name in ranges:
            check_expression(name, where)


def _inputs(signature: Mapping[str, Any], where: str) -> tuple[tuple[Stored, ...], str]:
    """What is stored, and the name of the one input."""
    stored, inputs = [], []
    for spec in field(signature, "input_specs", list, where):
        kind, body = only(spec, where)
        if kind == "user_input":
            taken = argument(body.get("arg") if isinstance(body, dict) else None, where)
            inputs.append(taken.name if isinstance(taken, Ref) else repr(taken))
        elif kind in _STORED and isinstance(body, dict):
            value = value_name(field(body, "arg", dict, where).get("name"), where)
            stored.append(Stored(value, dotted_name(body.get(_STORED[kind][0]), where), _STORED[kind][1]))
        else:
            raise ModelError(f"{where}: an input of kind {kind!r:.40} is not read; export a plain feed-forward network")
    if len(inputs) != 1:
        raise ModelError(
            f"{where}: takes {len(inputs)} inputs; wrap the network so that it takes one batch of pictures"
        )
    return tuple(stored), inputs[0]


_STORED = {
    "parameter": ("parameter_name", "parameter"),
    "buffer": ("buffer_name", "buffer"),
    "tensor_constant": ("tensor_constant_name", "constant"),
}


def _output(signature: Mapping[str, Any], where: str) -> str:
    given = []
    for spec in field(signature, "output_specs", list, where):
        kind, body = only(spec, where)
        if kind == "user_output":
            result = argument(body.get("arg") if isinstance(body, dict) else None, where)
            given.append(result.name if isinstance(result, Ref) else "")
        elif kind != "buffer_mutation":
            raise ModelError(f"{where}: an output of kind {kind!r:.40} is not read; export the network for inference")
    if len(given) != 1 or not given[0]:
        raise ModelError(f"{where}: gives {len(given)} outputs; wrap the network so that it gives its logits alone")
    return given[0]


def _sizes(values: Mapping[str, Any], where: str, *, hints: bool) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    for name, meta in values.items():
        if not isinstance(meta, dict):
            raise ModelError(f"{where}: {name!r:.60} has no sizes")
        yield name, tuple(_size(size, where, hints) for size in field(meta, "sizes", list, where))


def _size(tagged: object, where: str, hints: bool) -> int | None:
    """A size; of an open one its example where ``hints`` are wanted, else None."""
    kind, value = only(tagged, where)
    if kind == "as_expr" and isinstance(value, dict):
        hint = value.get("hint")
        return _size(hint, where, hints) if hints and isinstance(hint, dict) else None
    if kind != "as_int" or type(value) is not int or not 0 <= value <= LARGEST_SIZE:
        raise ModelError(f"{where}: {value!r:.40} is no size")
    return value


def _size_name(tagged: object) -> str:
    """The formula of an open size, which two sizes share that must be equal; empty for a closed one."""
    kind, value = only(tagged, "size")
    return str(value.get("expr_str", "")) if kind == "as_expr" and isinstance(value, dict) else ""


def _steps(nodes: list[Any], stored: tuple[Stored, ...], where: str) -> Iterator[Step]:
    kept = {each.value: each.name for each in stored}
    for number, node in enumerate(nodes):
        place = f"{where}: operator {number}"
        if not isinstance(node, dict):
            raise ModelError(f"{place}: {node!r:.40} is no operator")
        target = field(node, "target", str, place)
        check_target(target, place)
        step = _step(node, target, f"{place} ({target.removeprefix('torch.ops.')})")
        if aten_name(target) in CHECKS:
            continue
        if (
            aten_name(target).endswith("_")
            and step.args
            and isinstance(step.args[0], Ref)
            and step.args[0].name in kept
        ):
            if kept[step.args[0].name].endswith("num_batches_tracked"):
                continue  # counted by the batch norm itself once it is restored
            raise ModelError(f"{place}: writes to {kept[step.args[0].name]!r}, which is stored; export in eval mode")
        yield step


def _step(node: Mapping[str, Any], target: str, place: str) -> Step:
    args, kwargs = [], {}
    for given in field(node, "inputs", list, place):
        if not isinstance(given, dict):
            raise ModelError(f"{place}: {given!r:.40} is no argument")
        name = value_name(given.get("name"), place)
        value = argument(given.get("arg"), f"{place}: {name}")
        if given.get("kind") == 2:
            kwargs[name] = value
        else:
            args.append(value)
    results, spread = _results(field(node, "outputs", list, place), place)
    return Step(target, tuple(args), kwargs, results, spread)


def _results(outputs: list[Any], place: str) -> tuple[tuple[str, ...], bool]:
    """Names of the results, and whether they come as one tuple or list."""
    found = [argument(output, place) for output in outputs]
    if len(found) == 1 and isinstance(found[0], list):
        return tuple(_result(item) for item in found[0]), True
    return tuple(_result(item) for item in found), len(found) > 1


def _result(item: object) -> str:
    return item.name if isinstance(item, Ref) else ""


def _check_order(steps: tuple[Step, ...], known: set[str], output: str, where: str) -> None:
    known = set(known)
    for number, step in enumerate(steps):
        if missing := [name for name in step.refs() if name not in known]:
            raise ModelError(f"{where}: operator {number} reads {missing[0]!r} before it is made")
        if double := [name for name in step.results if name and name in known]:
            raise ModelError(f"{where}: operator {number} makes {double[0]!r} a second time")
        known.update(name for name in step.results if name)
    if output not in known or not any(True for step in steps for _ in refs_in(step.args)):
        raise ModelError(f"{where}: no operator makes the output {output!r:.60}")


def _traits(nodes: list[Any], steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Whether the program was decomposed, and whether its dropout became a copy by that, its rate forgotten."""
    names = {aten_name(step.target) for step in steps}
    if not names & DECOMPOSED:
        return ()
    lost = any("dropout" in kind.lower() for kind in _classes_of(nodes))
    return ("decomposed", "dropout lost") if lost and not names & DROPOUTS else ("decomposed",)


def _classes_of(nodes: list[Any]) -> Iterator[str]:
    """Classes of the modules that operators came from, as torch notes them: ``key,path,class;…``."""
    for node in nodes:
        notes = node.get("metadata") if isinstance(node, dict) else None
        stack = notes.get("nn_module_stack") if isinstance(notes, dict) else None
        if isinstance(stack, str):
            yield from (entry.rpartition(",")[2] for entry in stack.split(";"))
