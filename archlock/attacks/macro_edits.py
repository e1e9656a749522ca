"""Surgery on the skeletons of TransNAS-Bench-101's macro space: more resolution, channels and modules.

Each goes as far as the published space allows, as a code stands for nothing beyond it. By the benchmark's own table,
for the 30 skeletons of each pair of tasks that are best at locking, the best of these edits brings the percentile of
the target from 50 to 87 on average, and the best of all one-module changes to 90.
"""

from __future__ import annotations

from collections.abc import Callable

from archlock.spaces.protocol import Genotype
from archlock.spaces.transnas_twins import BOTH, CHANNELS, DEPTHS, DOUBLINGS, NORMAL, RESOLUTION

_UNHALVED = {RESOLUTION: NORMAL, BOTH: CHANNELS}
_HALVED = {module: halved for halved, module in _UNHALVED.items()}
_DOUBLED = {NORMAL: CHANNELS, RESOLUTION: BOTH}


def _unhalve(code: Genotype) -> Genotype:
    """Every halving undone; the one that the space asks for falls to the last module."""
    modules = [_UNHALVED.get(module, module) for module in code if module]
    modules[-1] = _HALVED[modules[-1]]
    return _filled(modules)


def _widen(code: Genotype) -> Genotype:
    """The first modules that do not double the channels do, as long as the space allows another doubling."""
    modules = [module for module in code if module]
    free = DOUBLINGS[1] - sum(module in _DOUBLED.values() for module in modules)
    for place in [place for place, module in enumerate(modules) if module in _DOUBLED][:free]:
        modules[place] = _DOUBLED[modules[place]]
    return _filled(modules)


def _deepen(code: Genotype) -> Genotype:
    """Normal modules at the end, up to six in all."""
    return tuple(module or NORMAL for module in code)


def _all_opened(code: Genotype) -> Genotype:
    return _unhalve(_deepen(_widen(code)))


def _filled(modules: list[int]) -> Genotype:
    return (*modules, *[0] * (DEPTHS[1] - len(modules)))


MACRO_EDITS: dict[str, Callable[[Genotype], Genotype]] = {
    "resolution": _unhalve,
    "channels": _widen,
    "depth": _deepen,
    "all": _all_opened,
}
"""Edits of canonical codes by name; a code that is open already is given back."""
