"""What NPU and CIM together gain over either alone, over sampled hybrid networks, on shipped profiles.

The best assignment on both units is compared with all layers on one unit in three settings: the shipped units as they
are; a single unit of the system's silicon area; and a single unit of the system's peak throughput. The single NPU has
more rows and columns at the same ratio, the single CIM unit more macros, each with leakage in proportion; memories,
lanes, clocks and the figures per event stay as shipped. A system pays leakage of a unit that it does not use. Each
objective is optimised for itself. Beside the gains stand the published figures of H4H-NAS (2024), which are the largest
it states, over its own networks and hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from archlock.errors import UsageError
from archlock.hwcost import (
    OBJECTIVES,
    Hardware,
    SystolicArray,
    Workload,
    WorkloadBatch,
    estimate_batch,
    load_hardware,
    trace,
)
from archlock.hwcost.system.cim import Cim
from archlock.hwcost.system.hardware import Npu
from archlock.iospec import IOSpec, OutputKind
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.spaces.registry import load_space

PUBLISHED = {"latency": 56.08, "energy": 41.72}
"""Largest gains in percent that H4H-NAS states."""
SETTINGS = ("as shipped", "equal peak", "equal area")
SCHEMAS = ("sequential", "parallel")
"""Of both units; the others are for one unit, for a stream, or for weights that stay."""


@dataclass(frozen=True)
class GainRow:
    """Gains of both units over one, in percent: 100 (1 - both / single); negative is a loss.

    Attributes:
        setting: out of `SETTINGS`.
        schema: of both units.
        against: ``npu``, ``cim``, or the ``better`` of these for each network.
        objective: what each side's assignment minimises, and what is compared.
        least, q25, median, q75, most, mean: over the networks.
        single: size, peak and area of the single unit; empty for the better one.
        published: the largest gain that H4H-NAS states for the objective.
    """

    setting: str
    schema: str
    against: str
    objective: str
    least: float
    q25: float
    median: float
    q75: float
    most: float
    mean: float
    single: str
    published: float


def run_heterogeneity(
    networks: int = 200,
    seed: int = 0,
    shape: tuple[int, int, int] = (3, 32, 32),
    hardware: str = "edge-npu-cim",
    schemas: Sequence[str] = SCHEMAS,
    advance: Callable[[], None] = lambda: None,
) -> list[GainRow]:
    """Gains over random genotypes of the hybrid space.

    Args:
        networks: how many.
        seed: of the genotypes.
        shape: channels, height and width of their input.
        hardware: a system with both units; without their areas there is no setting of equal area.
        schemas: of both units.
        advance: called after each setting.

    Raises:
        UsageError: a system that lacks a unit, or has one that may not run all of a network.
    """
    system = load_hardware(hardware)
    if system.npu is None or system.cim is None:
        raise UsageError(f"{system.name} has one unit: expected a system of npu and cim, such as edge-npu-cim")
    batch = WorkloadBatch.of(sampled_networks(networks, IOSpec(*shape, OutputKind.CLASSES, 10), seed))
    both = {(schema, what): _figures(batch, system, schema, what) for schema in schemas for what in OBJECTIVES}
    rows = []
    for setting, singles in single_units(system).items():
        alone = {what: _alone(batch, singles, what) for what in OBJECTIVES}
        for (schema, what), ours in both.items():
            for against, theirs in alone[what].items():
                unit = describe(singles[against]) if against in singles else ""
                rows.append(_row(setting, schema, against, what, 100 * (1 - ours / theirs), unit))
        advance()
    return rows


def _alone(batch: WorkloadBatch, singles: Mapping[str, Hardware], objective: str) -> dict[str, FloatArray]:
    """Figures of every single unit, and of the better one for each network."""
    alone = {side: _figures(batch, single, f"{side}-only", objective) for side, single in singles.items()}
    return {**alone, "better": np.minimum(alone["npu"], alone["cim"])}


def _row(setting: str, schema: str, against: str, objective: str, gain: FloatArray, single: str) -> GainRow:
    least, q25, median, q75, most = (float(each) for each in np.quantile(gain, [0, 0.25, 0.5, 0.75, 1]))
    spread = least, q25, median, q75, most, float(gain.mean())
    return GainRow(setting, schema, against, objective, *spread, single, PUBLISHED[objective])


def sampled_networks(count: int, io: IOSpec, seed: int) -> list[Workload]:
    """Workloads of random genotypes of the hybrid space."""
    space, rng = load_space("hybrid"), numpy_generator(seed, "benchmark", "heterogeneity")
    return [trace(space.build(space.sample(rng), io), (1, *io.input_shape)) for _ in range(count)]


def single_units(system: Hardware) -> dict[str, dict[str, Hardware]]:
    """The single-unit systems by setting and unit."""
    assert system.npu is not None
    assert system.cim is not None
    units: dict[str, Npu | Cim] = {"npu": system.npu, "cim": system.cim}
    shares = {"as shipped": dict.fromkeys(units, 1.0)}
    both = sum(unit.peak_per_s for unit in units.values())
    shares["equal peak"] = {side: both / unit.peak_per_s for side, unit in units.items()}
    if system.area_mm2 is not None:
        # What a single-unit system saves beside the other unit: its lanes, its SRAM and the link.
        shares["equal area"] = {
            side: 1 + (system.area_mm2 - (one_unit(system, side, 1.0).area_mm2 or 0.0)) / (unit.area_mm2 or np.inf)
            for side, unit in units.items()
        }
    return {name: {side: one_unit(system, side, share[side]) for side in units} for name, share in shares.items()}


def one_unit(system: Hardware, side: str, share: float) -> Hardware:
    """The system with one unit alone, ``share`` times as large; macros are whole, an array's sides are rounded."""
    assert system.npu is not None
    assert system.cim is not None
    if side == "cim":
        macros = max(1, round(system.cim.macros * share))
        return replace(system, npu=None, link=None, cim=replace(system.cim, macros=macros))
    npu, array = system.npu, system.npu.array
    rows, columns = (max(1, round(size * share**0.5)) for size in (array.rows, array.columns))
    grown = rows * columns / (array.rows * array.columns)
    area = None if npu.area_mm2 is None else npu.area_mm2 * grown
    larger = replace(
        npu, array=SystolicArray(rows, columns, array.dataflow), leakage_w=npu.leakage_w * grown, area_mm2=area
    )
    return replace(system, cim=None, link=None, npu=larger)


def _figures(batch: WorkloadBatch, hardware: Hardware, schema: str, objective: str) -> FloatArray:
    """Latencies in seconds, or energies in joules, of all networks."""
    cost = estimate_batch(batch, hardware, schema, objective)
    if not cost.feasible.all():
        raise UsageError(f"{hardware.name}, {schema}: cannot run {int((~cost.feasible).sum())} of the sampled networks")
    return cost.latency_s if objective == "latency" else cost.energy_j


def describe(hardware: Hardware) -> str:
    """Size, peak and area of a single-unit system."""
    area = "" if hardware.area_mm2 is None else f", {hardware.area_mm2:.3f} mm2"
    if hardware.npu is not None:
        size, peak = f"{hardware.npu.array.rows}x{hardware.npu.array.columns} cells", hardware.npu.peak_per_s
    else:
        assert hardware.cim is not None
        size, peak = f"{hardware.cim.macros} macros", hardware.cim.peak_per_s
    return f"{size}, {peak / 1e12:.2f} TMAC/s{area}"


def heterogeneity_text(rows: Sequence[GainRow]) -> str:
    """The distributions, and what was published."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[GainRow]) -> Iterator[str]:
    yield "gain of both units over one, percent"
    names = ("least", "q25", "median", "q75", "most", "mean")
    yield f"{'setting':12}{'schema':12}{'against':10}{'objective':10}" + "".join(f"{name:>9}" for name in names)
    for row in rows:
        head = f"{row.setting:12}{row.schema:12}{row.against:10}{row.objective:10}"
        yield f"{head}{''.join(f'{getattr(row, name):9.2f}' for name in names)}   {row.single}".rstrip()
    published = ", ".join(f"up to {gain} % {objective}" for objective, gain in PUBLISHED.items())
    yield f"published (H4H-NAS, its best case, its own networks and hardware): {published}"
