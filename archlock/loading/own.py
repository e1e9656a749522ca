"""A folder that archlock wrote: safetensors beside an architecture in JSON."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import safe_open

from archlock.errors import ArchlockError, ModelError
from archlock.iospec import IOSpec, OutputKind
from archlock.loading.digest import sha256_of
from archlock.loading.guard import WEIGHTS as READ_WEIGHTS
from archlock.loading.guard import read_apart
from archlock.loading.limits import Limits
from archlock.loading.model import LoadedModel
from archlock.loading.networks import trainable
from archlock.loading.strict_json import parse_json
from archlock.spaces.export import ARCHITECTURE, WEIGHTS, read_safetensors
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype, parse_genotype

MOST_TEXT = 1024 * 1024
LARGEST_SIZE = 2**16
MOST_OUTPUTS = 2**20


def load_own(folder: Path, limits: Limits) -> LoadedModel:
    """The model of a folder that `archlock.spaces.export.write_safetensors` wrote.

    Raises:
        ModelError: a missing or damaged file, or weights that do not fit or are not finite.
    """
    if not (folder / ARCHITECTURE).is_file():
        raise ModelError(_no_model(folder))
    with TemporaryDirectory(prefix="archlock-") as name:
        apart = Path(name)
        weights = folder / WEIGHTS
        if not weights.is_file():
            raise ModelError(f"{weights}: no such file; expected {ARCHITECTURE} and {WEIGHTS}")
        read = read_apart("weights", str(weights), apart, limits, path=str(weights.resolve()))
        (apart / READ_WEIGHTS).rename(apart / WEIGHTS)
        if (folder / ARCHITECTURE).stat().st_size > MOST_TEXT:
            raise ModelError(f"{folder / ARCHITECTURE}: larger than {MOST_TEXT:,} bytes")
        copyfile(folder / ARCHITECTURE, apart / ARCHITECTURE)
        _check_fit(apart, folder)
        try:
            model = read_safetensors(apart)
            network, converted = trainable(model.network(), str(folder))
        except ModelError as error:
            raise ModelError(str(error).replace(str(apart), str(folder))) from None
        digest = sha256_of(apart / ARCHITECTURE, apart / WEIGHTS)
    return LoadedModel(
        name=f"{model.space.name}:{format_genotype(model.genotype)}",
        form="archlock",
        network=network,
        input_shape=model.io.input_shape,
        outputs=model.io.outputs,
        sha256=digest,
        classes=model.classes,
        space=model.space.name,
        genotype=model.genotype,
        converted=tuple(read["converted"]) + converted,
    )


def _check_fit(apart: Path, folder: Path) -> None:
    """The weights must be those of the architecture before memory is taken for it."""
    where = f"{folder / ARCHITECTURE}"
    text = parse_json((apart / ARCHITECTURE).read_bytes(), where, MOST_TEXT)
    try:
        io: dict[str, Any] = text["io"]
        sizes = [io["channels"], io["height"], io["width"]]
        if not all(type(size) is int and 0 < size <= LARGEST_SIZE for size in sizes):
            raise ModelError(f"{where}: input {sizes} out of range")
        if type(io["outputs"]) is not int or not 0 < io["outputs"] <= MOST_OUTPUTS:
            raise ModelError(f"{where}: {io['outputs']!r:.40} outputs")
        space = load_space(text["space"])
        spec = IOSpec(sizes[0], sizes[1], sizes[2], OutputKind(io["output"]), io["outputs"])
        genotype = parse_genotype(space, text["genotype"])
        with torch.device("meta"):
            wanted = {name: tuple(value.shape) for name, value in space.build(genotype, spec).state_dict().items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{where}: damaged: {type(error).__name__}: {error}") from None
    except ModelError:
        raise
    except ArchlockError as error:
        raise ModelError(f"{where}: {error}") from None
    with safe_open(apart / WEIGHTS, "pt") as stored:
        found = {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118  # no mapping
    if found == wanted:
        return
    if (canonical := format_genotype(genotype)) != text["genotype"].strip():
        raise ModelError(
            f"{where}: genotype {text['genotype']:.200} is not in its canonical form, {canonical}, and the weights are "
            f"not of that form; train and export the canonical network"
        )
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    raise ModelError(f"{folder / WEIGHTS}: {len(wrong)} weights do not fit the architecture: {', '.join(wrong[:3])}")


def _no_model(folder: Path) -> str:
    """Why a folder is none of ours; folders of other tools are named."""
    config = folder / "config.json"
    if config.is_file() and config.stat().st_size < MOST_TEXT and b"auto_map" in config.read_bytes():
        return (
            f"{folder}: a repository whose code would be run (trust_remote_code); refused. Read its code, install it "
            "as a package, and name its factory: package.module:function --weights model.safetensors"
        )
    if config.is_file():
        return f"{folder}: a model of another library; name its factory: package.module:function --weights FILE"
    return f"{folder}: no {ARCHITECTURE}; expected a folder that archlock export wrote"
