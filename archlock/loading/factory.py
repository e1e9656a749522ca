"""A network that the user's own function builds, with weights from a file that holds weights and nothing else.

The function is the user's code and is run; it is named explicitly, and nothing of the weights' file is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from archlock.errors import ModelError, UsageError, did_you_mean
from archlock.loading.digest import sha256_of_weights
from archlock.loading.folded import folded_in_network
from archlock.loading.guard import WEIGHTS, read_apart
from archlock.loading.limits import Limits
from archlock.loading.model import LoadedModel
from archlock.loading.networks import first_line, outputs_of, trainable

FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
PREFIXES = ("module.", "_orig_mod.")
"""What data-parallel training and compilation put before every name."""


def is_factory(what: str) -> bool:
    """Whether a text has the form ``package.module:function``."""
    return FACTORY.fullmatch(what) is not None


def load_factory(
    what: str, weights: Path | None, input_shape: tuple[int, int, int] | None, limits: Limits
) -> LoadedModel:
    """The network that a function gives, called without arguments.

    Raises:
        UsageError: no such function, or no input shape.
        ModelError: it fails or gives no module, or the weights do not fit it.
    """
    if input_shape is None:
        raise UsageError(f"{what}: a factory does not say what it takes: give --input CHANNELSxHEIGHTxWIDTH")
    network, said, digest = build_with(what, weights, limits)
    network, converted = trainable(network, what)
    return LoadedModel(
        name=what,
        form="safetensors" if weights else "factory",
        network=network,
        input_shape=input_shape,
        outputs=outputs_of(network, input_shape, what),
        sha256=digest or sha256_of_weights(network.state_dict()),
        converted=said + converted,
        noted=folded_in_network(network),
    )


def build_with(what: str, weights: Path | None, limits: Limits) -> tuple[nn.Module, tuple[str, ...], str]:
    """What a function gives, with the weights of a file in it; what was converted, and the file's hash.

    Raises:
        UsageError, ModelError: as `load_factory`; nothing is asked of the network itself.
    """
    stored, said, digest = _weights(weights, limits) if weights else ({}, (), "")
    network = build(what)
    if weights:
        said += put(stored, network, f"{weights} into {what}")
    return network, said, digest


def build(what: str) -> nn.Module:
    """Import and call a factory.

    Raises:
        UsageError: no such module or function.
        ModelError: it fails, or gives something that is no module.
    """
    network = _call(_function(what), what)
    if not isinstance(network, nn.Module):
        raise ModelError(f"{what}: gives a {type(network).__name__}, not a torch.nn.Module")
    return network


def _function(what: str) -> Callable[[], object]:
    module_name, _, name = what.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # at the end, so that no file there stands in for a library
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise UsageError(f"{what}: {error}; is the package installed, or the current folder the right one?") from None
    except Exception as error:  # the user's module may fail in any way
        raise ModelError(f"{what}: importing {module_name} fails: {first_line(error)}") from error
    if not callable(function := getattr(module, name, None)):
        names = tuple(each for each in vars(module) if callable(getattr(module, each)) and not each.startswith("_"))
        raise UsageError(f"{what}: {module_name} has no function {name!r}.{did_you_mean(name, names)}")
    found: Callable[[], object] = function
    return found


def _call(function: Callable[[], object], what: str) -> object:
    try:
        return function()
    except Exception as error:  # the user's function may fail in any way
        raise ModelError(f"{what}: fails when called without arguments: {first_line(error)}") from error


def _weights(path: Path, limits: Limits) -> tuple[dict[str, Tensor], tuple[str, ...], str]:
    """Tensors by name, what was converted, and the file's hash."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    with TemporaryDirectory(prefix="archlock-") as folder:
        answer = read_apart("weights", str(path), Path(folder), limits, path=str(path.resolve()))
        tensors = load_file(Path(folder) / WEIGHTS)
    return tensors, tuple(answer["converted"]), str(answer["sha256"])


def put(weights: Mapping[str, Tensor], network: nn.Module, where: str) -> tuple[str, ...]:
    """Weights into a network; says what was changed to make them fit.

    Raises:
        ModelError: names or shapes that do not fit, the first few named.
    """
    weights, said = _without_prefix(weights)
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")]
    extra = [name for name in weights if name not in wanted]
    if missing or extra:
        raise ModelError(
            f"{where}: weights do not fit: {len(missing)} missing ({', '.join(missing[:3])}), "
            f"{len(extra)} unknown ({', '.join(extra[:3])})"
        )
    for name, value in weights.items():
        if value.shape != wanted[name].shape:
            raise ModelError(f"{where}: {name} has shape {tuple(value.shape)}, expected {tuple(wanted[name].shape)}")
    with torch.no_grad():
        network.load_state_dict(dict(weights), strict=False)
    return said


def _without_prefix(weights: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], tuple[str, ...]]:
    for prefix in PREFIXES:
        if weights and all(name.startswith(prefix) for name in weights):
            stripped = {name.removeprefix(prefix): value for name, value in weights.items()}
            return stripped, (f"the prefix {prefix!r} was taken off the names of the weights",)
    return weights, ()
