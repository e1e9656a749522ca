"""A trained network as files: weights in safetensors beside an architecture in JSON, or ONNX, or an exported program.

Nothing here pickles, and reading a model runs no code from its files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from archlock.errors import ModelError, UsageError, did_you_mean
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype, SearchSpace
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype, parse_genotype

FORMAT = "archlock-model/1"
ARCHITECTURE = "architecture.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class TrainedNetwork:
    """What is exported.

    Attributes:
        space: the space its genotype is of.
        genotype: canonical form.
        io: what it takes and gives.
        weights: its state dict.
        classes: class names, empty for other kinds.
        preprocessing: how inputs must be prepared, in words and figures.
    """

    space: SearchSpace
    genotype: Genotype
    io: IOSpec
    weights: Mapping[str, Tensor]
    classes: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] | None = None

    def network(self) -> Network:
        """The network with its weights, in evaluation mode.

        Raises:
            ModelError: the weights do not fit the architecture.
        """
        network = self.space.build(self.genotype, self.io)
        try:
            network.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            raise ModelError(f"weights do not fit the architecture: {str(error).splitlines()[-1].strip()}") from None
        return network.eval()


def write_safetensors(model: TrainedNetwork, folder: Path) -> Path:
    """Write ``model.safetensors`` and ``architecture.json``; returns the folder."""
    architecture = {
        "format": FORMAT,
        "space": model.space.name,
        "genotype": format_genotype(model.genotype),
        "options": model.space.describe(model.genotype),
        "io": asdict(model.io),
        "classes": list(model.classes),
        "preprocessing": dict(model.preprocessing or {}),
    }
    save_file({name: value.contiguous() for name, value in model.weights.items()}, folder / WEIGHTS)
    (folder / ARCHITECTURE).write_text(json.dumps(architecture, indent=1) + "\n", encoding="utf-8")
    return folder


def read_safetensors(folder: Path) -> TrainedNetwork:
    """Read what `write_safetensors` wrote.

    Raises:
        ModelError: a missing or damaged file, another format, or weights that are not finite.
    """
    try:
        architecture = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        if architecture.get("format") != FORMAT:
            raise ModelError(f"{folder / ARCHITECTURE}: format {architecture.get('format')!r}, expected {FORMAT!r}")
        space = load_space(architecture["space"])
        io = IOSpec(**{**architecture["io"], "output": OutputKind(architecture["io"]["output"])})
        weights = load_file(folder / WEIGHTS)
        genotype = parse_genotype(space, architecture["genotype"])
        classes, preprocessing = tuple(architecture["classes"]), architecture["preprocessing"]
    except FileNotFoundError as error:
        raise ModelError(f"{error.filename}: no such file; expected {ARCHITECTURE} and {WEIGHTS}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise ModelError(f"{folder}: not a model of this tool: {type(error).__name__}: {error}") from None
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise ModelError(f"{folder / WEIGHTS}: weights hold NaN or infinite values")
    return TrainedNetwork(space, genotype, io, weights, classes, preprocessing)


def write_program(model: TrainedNetwork, folder: Path) -> Path:
    """Write ``model.pt2``, an exported program with a dynamic batch."""
    path = folder / "model.pt2"
    batch = torch.export.Dim("batch", min=1, max=4096)
    example = torch.zeros(2, *model.io.input_shape)
    program = torch.export.export(model.network(), (example,), dynamic_shapes=({0: batch},))
    with path.open("wb") as file:
        torch.export.save(program, file)
    return path


def write_onnx(model: TrainedNetwork, folder: Path) -> Path:
    """Write ``model.onnx`` with a dynamic batch.

    Raises:
        UsageError: the extra ``onnx`` is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise UsageError("ONNX needs an extra: pip install 'archlock[onnx]'") from None
    path = folder / "model.onnx"
    example = torch.zeros(2, *model.io.input_shape)
    torch.onnx.export(
        model.network(),
        (example,),
        str(path),
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=["input"],
        output_names=["output"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=4096)},),
    )
    return path


WRITERS: dict[str, Callable[[TrainedNetwork, Path], Path]] = {
    "safetensors": write_safetensors,
    "pt2": write_program,
    "onnx": write_onnx,
}
"""Format to its writer: (model, existing folder) to what was written."""


def export_network(model: TrainedNetwork, folder: Path, form: str = "safetensors") -> Path:
    """Write a model in one of `WRITERS`' formats; the folder is made where it is missing.

    Raises:
        UsageError: an unknown format, a missing extra, or a folder that cannot be written.
    """
    if form not in WRITERS:
        raise UsageError(f"format {form!r} is not known.{did_you_mean(form, tuple(WRITERS))}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return WRITERS[form](model, folder)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{folder}: cannot be written: {reason}") from None
