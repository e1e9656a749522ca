"""A sweep in words: ``array=8x8,16x16`` and the like, around a base system; and what a sweep found as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from archlock.benches.codesign import KB, Codesign, Sweep
from archlock.errors import HardwareError, UsageError, did_you_mean
from archlock.hwcost import Hardware
from archlock.hwcost.system.figures import Bits, BufferCapacity, Count, Macros, PerCycle

MOST_DESIGNS = 100_000
"""More designs than this are refused: at a hundredth of a second each they take a quarter of an hour."""


def sweep_of(base: Hardware, options: Sequence[str]) -> Sweep:
    """The sweep that options such as ``macros=1,2,4`` ask for; a gene without one keeps what the base system has.

    Args:
        base: the system that is varied.
        options: ``KEY=V1,V2``: ``array`` (ROWSxCOLUMNS), ``sram_kb``, ``macros``, ``adc_bits``, ``link_bytes`` (per
            cycle). None at all is the sweep of `Sweep`'s defaults.

    Raises:
        UsageError: an unknown key, one given twice, a value that cannot be read or is not above 0, or too many designs.
        HardwareError: the base lacks NPU, macros or link.
    """
    if base.npu is None or base.cim is None or base.link is None:
        raise HardwareError(f"{base.name}: co-design needs npu, cim and link; edge-npu-cim has them")
    if not options:
        return Sweep()
    given = dict(_option(text) for text in options)
    if len(given) < len(options):
        raise UsageError("--sweep: a key is given twice; put all its values into one, such as macros=1,2,4")
    own: dict[str, tuple[Any, ...]] = {
        "array": ((base.npu.array.rows, base.npu.array.columns),),
        "sram_kb": (base.memories.sram_bytes // KB,),
        "macros": (base.cim.macros,),
        "adc_bits": (None,),
        "link_bytes": (base.link.bytes_per_s / base.npu.clock_hz,),
    }
    chosen = own | given
    sweep = Sweep(chosen["array"], chosen["sram_kb"], chosen["macros"], chosen["adc_bits"], chosen["link_bytes"])
    count = len(sweep.arrays) * len(sweep.sram_kb) * len(sweep.macros) * len(sweep.adc_bits) * len(sweep.link_bytes)
    if count > MOST_DESIGNS:
        raise UsageError(f"--sweep: {count:,} designs are more than {MOST_DESIGNS:,}; give fewer values")
    return sweep


def _option(text: str) -> tuple[str, tuple[Any, ...]]:
    key, equals, values = text.partition("=")
    if not equals or not values:
        raise UsageError(f"--sweep {text}: expected KEY=V1,V2 with a key of {', '.join(_READ)}")
    if key not in _READ:
        near = did_you_mean(key, tuple(_READ))
        raise UsageError(f"--sweep {text}: no key {key!r}; keys are {', '.join(_READ)}.{near}")
    found = []
    for value in values.split(","):
        try:
            found.append(_READ[key](value.strip()))
        except ValueError:
            raise UsageError(f"--sweep {text}: {value!r} is not {_EXPECTED[key]}") from None
    return key, tuple(dict.fromkeys(found))


def _array(text: str) -> tuple[int, int]:
    rows, columns = text.lower().split("x")
    return _whole(int(Count.most))(rows), _whole(int(Count.most))(columns)


def _whole(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not 1 <= int(text) <= most:
            raise ValueError
        return int(text)

    return read


def _link_bytes(text: str) -> float:
    if not PerCycle.least <= float(text) * PerCycle.units["byte/cycle"] <= PerCycle.most:
        raise ValueError
    return float(text)


_MOST = {"sram_kb": int(BufferCapacity.most) // KB, "macros": int(Macros.most), "adc_bits": int(Bits.most)}
"""As in profiles; beyond them figures overflow."""
_READ: Mapping[str, Callable[[str], Any]] = {
    "array": _array,
    **{key: _whole(most) for key, most in _MOST.items()},
    "link_bytes": _link_bytes,
}
_EXPECTED = {
    "array": f"ROWSxCOLUMNS, such as 16x32, each at most {Count.most:,.0f}",
    "link_bytes": f"a number above 0 and at most {PerCycle.most / PerCycle.units['byte/cycle']:,.0f}",
    **{key: f"a whole number above 0 and at most {most:,}" for key, most in _MOST.items()},
}


def codesign_document(result: Codesign, base: Hardware, networks: Sequence[str]) -> dict[str, object]:
    """What ``--json`` prints: every design with its figures, units in the names, and whether it is on the front."""
    rows = [asdict(row) for row in result.rows]
    return {
        "hardware": base.name,
        "networks": list(networks),
        "origin": "modelled",
        "designs": [{**row.pop("genes"), **row} for row in rows],
        "infeasible": result.infeasible,
    }
