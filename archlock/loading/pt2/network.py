"""A program as a module: layers with weights, and steps between them carried out one by one.

No source code is generated from the file, as ``torch.fx`` would do. ``torch.fx.symbolic_trace`` takes the module, so
its graph can be edited like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from archlock.errors import ModelError
from archlock.loading.pt2.execute import execute, in_single_precision
from archlock.loading.pt2.layers import RESTORED_ANYWHERE, Layer, layer_of, transposed_weights
from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program, Step

RESTORED = "restored"
"""Where layers stand whose names in the file do not say it."""


@dataclass(frozen=True)
class Planned:
    """A step and how it is carried out.

    Attributes:
        step: the operator.
        module: path of the layer that stands for it; empty for an operator.
        operand: name of the value the layer takes.
        stored: graph name to path of the tensors that the operator reads.
        dead: values that nothing reads afterwards.
    """

    step: Step
    module: str
    operand: str
    stored: dict[str, str]
    dead: tuple[str, ...]


class ProgramNetwork(nn.Module):
    """A network whose forward pass carries out a checked program. It takes one tensor, batch first."""

    def __init__(self, program: Program, tensors: Mapping[str, Tensor]) -> None:
        """Layers and steps of a program.

        Args:
            program: checked, with an open batch.
            tensors: by dotted name; floating-point ones in float32.

        Raises:
            ModelError: a name that a module cannot bear, or tensors that do not fit their layer.
        """
        super().__init__()
        self._input = program.input
        self._output = program.output
        self._plan = _planned(self, program, tensors)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of a batch, shape (batch, columns)."""
        values: dict[str, Any] = {self._input: inputs}
        for planned in self._plan:
            if planned.module:
                # The several results that some operators give are a layer's one, and statistics that nothing reads.
                values[planned.step.results[0]] = self.get_submodule(planned.module)(values[planned.operand])
            else:
                for name, path in planned.stored.items():
                    values[name] = _tensor_at(self, path)
                execute(planned.step, values, inputs.device)
            for name in planned.dead:
                values.pop(name, None)
        result: Tensor = values[self._output]
        return result


def _tensor_at(root: nn.Module, path: str) -> Tensor:
    home, _, name = path.rpartition(".")
    tensor: Tensor = getattr(root.get_submodule(home), name)
    return tensor


def _planned(root: nn.Module, program: Program, tensors: Mapping[str, Tensor]) -> tuple[Planned, ...]:
    names = {each.value: each.name for each in program.stored}
    by_value = {value: tensors[name] for value, name in names.items()}
    steps = program.steps
    if any(value.dtype in (torch.float16, torch.bfloat16, torch.float64) for value in tensors.values()):
        steps = in_single_precision(steps)
    transposed = transposed_weights(program)
    layers = [layer_of(step, by_value, transposed) if _alone(step, program) else None for step in steps]
    live = _live(steps, [layer.operand if layer else "" for layer in layers], program.output)
    # A weight that an operator reads as it is must stay where its name says.
    free = Counter(name for at, step in enumerate(steps) if at in live and layers[at] is None for name in step.refs())
    builder = _Builder(root, names, by_value)
    modules = [
        builder.module(layer, aten_name(step.target), free) if layer and at in live else ""
        for at, (step, layer) in enumerate(zip(steps, layers, strict=True))
    ]
    builder.rest({each.value: each.kind for each in program.stored})
    operands = [layer.operand if layer and module else "" for layer, module in zip(layers, modules, strict=True)]
    return _schedule(steps, modules, operands, builder.paths, program.output)


def _schedule(
    steps: tuple[Step, ...], modules: list[str], operands: list[str], paths: Mapping[str, str], output: str
) -> tuple[Planned, ...]:
    """The live steps, each with what dies after it."""
    live = sorted(_live(steps, operands, output))
    reads = {at: {operands[at]} if modules[at] else set(steps[at].refs()) for at in live}
    last = {name: at for at in live for name in reads[at]} | {output: len(steps)}
    return tuple(
        Planned(
            steps[at],
            modules[at],
            operands[at],
            {} if modules[at] else {name: paths[name] for name in reads[at] if name in paths},
            tuple(name for name in {*reads[at], *steps[at].results} if name and last.get(name, at) == at),
        )
        for at in live
    )


def _live(steps: tuple[Step, ...], operands: list[str], output: str) -> set[int]:
    """Steps that the output needs; those that write into their operand are kept, since a view may show it."""
    needed, live = {output}, set()
    for at in reversed(range(len(steps))):
        name = aten_name(steps[at].target)
        if needed & set(steps[at].results) or (name.endswith("_") and not operands[at]):
            live.add(at)
            needed |= {operands[at]} if operands[at] else set(steps[at].refs())
    return live


def _alone(step: Step, program: Program) -> bool:
    """Whether only a step's first result is read; masks and statistics are not made by layers."""
    others = set(step.results[1:]) - {""}
    return not others or not any(others & set(each.refs()) for each in program.steps)


class _Builder:
    """Puts layers and tensors where their names say."""

    def __init__(self, root: nn.Module, names: Mapping[str, str], by_value: Mapping[str, Tensor]) -> None:
        self.root = root
        self.names = names
        self.by_value = by_value
        self.paths: dict[str, str] = {}
        self.made: dict[str, tuple[Any, ...]] = {}
        self.count = 0

    def module(self, layer: Layer, kind: str, free: Mapping[str, int]) -> str:
        """Path of a layer's module, made where there is none yet; empty where it must stay an operator."""
        homes = {self.names[value].rpartition(".")[0] for value in layer.tensors.values()}
        named = all(self.names[value].rpartition(".")[2] == name for name, value in layer.tensors.items())
        path = homes.pop() if len(homes) == 1 and named else ""
        identity = (kind, layer.settings, tuple(sorted(layer.tensors.items())))
        if path in self.made and self.made[path] == identity:
            return path
        taken = any(free.get(value) or value in self.paths for value in layer.tensors.values())
        if (not path or path in self.made or taken) and kind not in RESTORED_ANYWHERE:
            return ""
        if not path or path in self.made or taken:
            path = f"{RESTORED}.{kind.strip('_')}_{self.count}"
            self.count += 1
        self._place(path, layer)
        self.made[path] = identity
        return path

    def _place(self, path: str, layer: Layer) -> None:
        module = layer.make()
        home, _, name = path.rpartition(".")
        _add(self.home(home), name, module, path)
        for own, value in layer.tensors.items():
            target = getattr(module, own)
            source = self.by_value[value]
            if target is None or target.shape != source.shape:
                raise ModelError(f"{self.names[value]}: shape {tuple(source.shape)} does not fit its layer {module}")
            with torch.no_grad():
                target.copy_(source)
            self.paths.setdefault(value, f"{path}.{own}")

    def home(self, path: str) -> nn.Module:
        """The module of a path, plain ones made on the way."""
        module = self.root
        for part in filter(None, path.split(".")):
            child = module._modules.get(part)
            if child is None:
                child = nn.Module()
                _add(module, part, child, path)
            module = child
        return module

    def rest(self, kinds: Mapping[str, str]) -> None:
        """Tensors that belong to no layer, under their own names."""
        for value, kind in kinds.items():
            if value in self.paths:
                continue
            name = self.names[value] if kind != "constant" else f"constants.{self.names[value].replace('.', '_')}"
            home, _, leaf = name.rpartition(".")
            module, tensor = self.home(home), self.by_value[value].clone()
            if leaf == "num_batches_tracked" and isinstance(getattr(module, leaf, None), Tensor):
                module.get_buffer(leaf).copy_(tensor)
            elif kind == "parameter":
                _register(partial(module.register_parameter, leaf, nn.Parameter(tensor)), name)
            else:
                _register(partial(module.register_buffer, leaf, tensor, persistent=kind == "buffer"), name)
            self.paths[value] = name


def _add(module: nn.Module, name: str, child: nn.Module, path: str) -> None:
    _register(partial(module.add_module, name, child), path)


def _register(register: Callable[[], None], path: str) -> None:
    try:
        register()
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: a name that a module cannot bear, or bears twice: {error}") from None


def without_half(tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, Tensor]]:
    """Tensors with floating-point ones in float32."""
    return ((name, value.float() if value.is_floating_point() else value) for name, value in tensors.items())
