"""What is audited: named, so that every worker process can read it, or held, where there is one process."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import unwrap
from pathlib import Path
from typing import Self

from torch import nn

from archlock.attacks import ForeignModel, Loot, Release
from archlock.auditing.record import HashedPart
from archlock.errors import ModelError, UsageError
from archlock.iospec import OutputKind
from archlock.loading import LoadedModel, load_model
from archlock.loading.digest import sha256_of, sha256_of_weights
from archlock.loading.networks import outputs_of, trainable
from archlock.spaces.export import ARCHITECTURE, WEIGHTS
from archlock.spaces.network import Network
from archlock.spaces.registry import load_space
from archlock.tasks.task import Task


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from: the first three are arguments of `archlock.loading.load_model`.

    Attributes:
        pinned: digest that its parts must have, so that all processes attack one model; see `ModelSource.pin`.
    """

    what: str
    weights: Path | None = None
    input_shape: tuple[int, int, int] | None = None
    pinned: str = ""

    def load(self) -> LoadedModel:
        """The model, from this process's cache while its files stay as they are.

        Raises:
            ModelError: it is not the one that was pinned.
        """
        return _pinned(self, _stamp(self))

    def parts(self) -> tuple[HashedPart, ...]:
        """What the model is made of, each with the digest of its bytes as they lie on the disk now.

        A factory's source is that of the module that was named and of the one that defines the function; modules that
        those import are not among them. Without a file of weights, its weights are hashed as they were built.
        """
        if stored := _stored(Path(self.what)):
            return stored
        network = self.load().network  # which imports the factory's module
        sources = tuple(HashedPart(what=name, sha256=sha256_of(file)) for name, file in _sources(self.what).items())
        if self.weights is not None:
            return (HashedPart(what=self.weights.name, sha256=sha256_of(self.weights)), *sources)
        return (_in_memory("weights as built", network), *sources)

    def pin(self) -> Self:
        """The same source, which loads nothing but the model of this moment."""
        return replace(self, pinned=digest_of_parts(self.parts()))


@dataclass(frozen=True, eq=False)
class HeldModel:
    """A model that the caller made; it never leaves this process."""

    model: LoadedModel

    def load(self) -> LoadedModel:
        """The model."""
        return self.model

    def parts(self) -> tuple[HashedPart, ...]:
        """Its weights and buffers; its code is the caller's and is not hashed."""
        return (_in_memory("weights in memory", self.model.network),)

    def pin(self) -> Self:
        """Itself: nobody else has it."""
        return self


Subject = ModelSource | HeldModel


def digest_of_parts(parts: Sequence[HashedPart]) -> str:
    """One digest of a model: that of its only part, or of the lines that ``sha256sum`` prints of its parts."""
    if len(parts) == 1:
        return parts[0].sha256
    lines = "".join(f"{part.sha256}  {part.what}\n" for part in parts)
    return hashlib.sha256(lines.encode()).hexdigest()


def digest_of_files(path: Path) -> str:
    """The digest that a record has of a file, or of a folder of ours, as it lies there now.

    Raises:
        UsageError: no such file or folder, or a folder that holds no model of ours.
    """
    try:
        parts = _stored(path)
    except OSError as error:
        raise UsageError(f"{path}: no model that archlock wrote: {error.strerror or error}") from None
    if not parts:
        raise UsageError(f"{path}: no such file or folder; a factory is bound by model_sha256 in the policy")
    return digest_of_parts(parts)


def _stored(path: Path) -> tuple[HashedPart, ...]:
    """Parts of a model that is a file or a folder of ours; none where it is neither."""
    if path.is_dir():
        return tuple(HashedPart(what=name, sha256=sha256_of(path / name)) for name in (ARCHITECTURE, WEIGHTS))
    return (HashedPart(what=path.name, sha256=sha256_of(path)),) if path.is_file() else ()


def _in_memory(what: str, network: nn.Module | None) -> HashedPart:
    return HashedPart(what=what, sha256=sha256_of_weights({} if network is None else network.state_dict()))


def _sources(factory: str) -> dict[str, Path]:
    """Source files of an imported factory: path as it is imported to the file."""
    module_name, _, name = factory.partition(":")
    function = unwrap(getattr(sys.modules[module_name], name))
    found = {}
    for module in dict.fromkeys((module_name, getattr(function, "__module__", module_name))):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is not None and Path(file).suffix == ".py":
            inside = "/__init__.py" if Path(file).name == "__init__.py" else ".py"
            found[module.replace(".", "/") + inside] = Path(file)
    return found


@lru_cache(maxsize=4)
def _pinned(source: ModelSource, stamp: Stamp) -> LoadedModel:
    model = _loaded(replace(source, pinned=""), stamp)
    if source.pinned and digest_of_parts(replace(source, pinned="").parts()) != source.pinned:
        raise ModelError(
            f"{source.what}: is not the model that the audit began with; leave its files alone, and give a factory "
            "that draws its weights a seed"
        )
    return model


@lru_cache(maxsize=4)
def _loaded(source: ModelSource, stamp: Stamp) -> LoadedModel:
    return load_model(source.what, weights=source.weights, input_shape=source.input_shape)


Stamp = tuple[int, ...]


def _stamp(source: ModelSource) -> Stamp:
    """Changes when a model's files do, so that the cache never gives what is no longer there."""
    path = Path(source.what)
    named = [path / ARCHITECTURE, path / WEIGHTS] if path.is_dir() else [path]
    files = [file for file in (*named, source.weights) if file is not None and file.is_file()]
    return tuple(number for file in files for number in (file.stat().st_mtime_ns, file.stat().st_size))


def loot_of(model: LoadedModel, source: Task) -> Loot:
    """A model as a thief holds it.

    Args:
        model: loaded model.
        source: the task it is released for.

    Raises:
        ModelError: it cannot be trained, its outputs do not fit the source task, or no head can be exchanged.
    """
    if model.network is None:
        raise ModelError(
            f"{model.name}: {model.form} gives estimates of its cost only; an audit needs a trainable model"
        )
    if source.io.output is not OutputKind.DENSE and source.io.outputs != model.outputs:
        raise ModelError(
            f"{model.name}: gives {model.outputs} outputs, but the source task {source.name} has {source.io.outputs}"
        )
    if isinstance(model.network, Network) and model.space is not None and model.genotype is not None:
        weights = {name: value.detach().clone() for name, value in model.network.state_dict().items()}
        return Release(load_space(model.space), model.genotype, weights, source.io)
    return ForeignModel.of(model.network, source.io)


def held(network: nn.Module, input_shape: tuple[int, int, int], kind: OutputKind, name: str = "model") -> HeldModel:
    """A module of the caller's as a subject.

    Args:
        network: (batch, channels, height, width) to outputs; it is copied, never trained.
        input_shape: (channels, height, width).
        kind: of its output; dense ones are not run here.
        name: for people.

    Raises:
        ModelError: no parameters, or some that cannot be trained or are not finite; or it does not take such inputs.
    """
    own, converted = trainable(deepcopy(network), name)
    outputs = 1 if kind is OutputKind.DENSE else outputs_of(own, input_shape, name)
    digest = sha256_of_weights(own.state_dict())
    return HeldModel(LoadedModel(name, "factory", own, input_shape, outputs, digest, converted=converted))
