"""Laws that any macros obey, whatever their size, cells and converters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import HardwareError
from archlock.hwcost import Hardware, OpKind, load_hardware
from archlock.hwcost.system.cim import CellTechnology, Cim
from archlock.hwcost.system.converters import Adc
from archlock.hwcost.units.cim import cim_costs, macro_pieces, map_to_macros, resident_copies
from archlock.hwcost.units.costs import Cause
from archlock.hwcost.units.traffic import Traffic
from archlock.hwcost.workload.layers import Layers

MEMORY = load_hardware("cim-dsram-22")
LAWS = settings(max_examples=40, deadline=None)


def products(sizes: list[tuple[int, int, int, int]], dynamic: bool = False) -> Layers:
    """Matrix products of (m, k, n, count), without edges."""
    m, k, n, count = (np.array(column, dtype=np.int64) for column in zip(*sizes, strict=True))
    none, length = np.empty(0, dtype=np.int64), len(sizes)
    held = np.full(length, dynamic)
    return Layers(
        kind=np.full(length, int(OpKind.MATMUL if dynamic else OpKind.CONV), dtype=np.int8),
        m=m,
        k=k,
        n=n,
        count=count,
        dynamic=held,
        work=np.zeros(length, dtype=np.int64),
        in_bytes=m * k * count + np.where(held, k * n * count, 0),
        weight_bytes=np.where(held, 0, k * n * count),
        out_bytes=m * n * count,
        is_output=np.zeros(length, dtype=bool),
        edge_source=none,
        edge_target=none,
        edge_bytes=none,
    )


def passing(layers: Layers, share: float) -> Traffic:
    """A share of all activations passes through DRAM."""
    return Traffic(layers.in_bytes * share, layers.out_bytes * share)


def system(cim: Cim, bandwidth: float = 8e9) -> Hardware:
    """A system whose SRAM is so small that partial sums overflow it."""
    return replace(MEMORY, cim=cim, memories=replace(MEMORY.memories, dram_bytes_per_s=bandwidth, sram_bytes=4096))


size = st.integers(1, 300)
layer_lists = st.lists(st.tuples(size, size, size, st.integers(1, 20)), min_size=1, max_size=6)
converters = st.builds(
    Adc,
    bits=st.integers(1, 12),
    conversion_j=st.floats(1e-14, 1e-11),
    columns=st.sampled_from([1, 4, 16]),
    summed_cells=st.sampled_from([1, 2, 8]),
    conversion_cycles=st.integers(1, 4),
    area_mm2=st.just(1e-3),
)


@st.composite
def macros(draw: st.DrawFn) -> Cim:
    """Any macros: three technologies, any cells and steps."""
    technology = draw(st.sampled_from(list(CellTechnology)))
    digital = technology is CellTechnology.DIGITAL_SRAM
    return Cim(
        technology=technology,
        macros=draw(st.integers(1, 24)),
        rows=draw(st.sampled_from([8, 64, 256])),
        cell_columns=draw(st.sampled_from([8, 128, 512])),
        cell_bits=draw(st.sampled_from([1, 2, 4])),
        input_bits_per_step=draw(st.sampled_from([1, 2, 8])),
        step_cycles=draw(st.integers(1, 6)),
        clock_hz=draw(st.sampled_from([1e8, 2.5e8, 1e9])),
        cell_j=draw(st.floats(1e-16, 1e-14)),
        dac_step_j=0.0 if digital else draw(st.floats(0, 1e-12)),
        write_bits_per_cycle=draw(st.sampled_from([1.0, 64.0, 512.0])),
        write_j_per_bit=1e-13,
        cell_leakage_w=1e-9,
        dynamic_operands=technology is not CellTechnology.RRAM,
        ping_pong=draw(st.booleans()),
        adc=None if digital else draw(converters),
        cell_area_mm2=1e-6,
    )


shares = st.sampled_from([0.0, 0.3, 1.0])


@LAWS
@given(layer_lists, macros(), shares)
def test_latency_is_at_least_load_plus_compute_unless_cells_ping_pong(sizes: list, cim: Cim, share: float) -> None:
    layers = products(sizes)
    mapping = map_to_macros(layers.m, layers.k, layers.n, layers.count, cim)
    load_s, compute_s = mapping.load_cycles / cim.clock_hz, mapping.compute_cycles / cim.clock_hz
    plain = cim_costs(layers, passing(layers, share), replace(cim, ping_pong=False), system(cim)).latency_s
    assert (plain >= (load_s + compute_s) * (1 - 1e-12)).all()
    swapping = replace(cim, ping_pong=True)
    hidden = cim_costs(layers, passing(layers, share), swapping, system(swapping))
    assert (hidden.latency_s >= np.maximum(load_s, compute_s) * (1 - 1e-12)).all()
    assert (hidden.latency_s <= plain * (1 + 1e-12)).all()
    assert (hidden.latency_s[mapping.rounds == 1] == plain[mapping.rounds == 1]).all(), "a first load is not hidden"
    assert (hidden.first_load_s <= hidden.latency_s).all()
    assert (hidden.rounds >= mapping.rounds).all()


@LAWS
@given(layer_lists, macros(), shares, st.floats(1.0, 8.0))
def test_more_bandwidth_never_slows(sizes: list, cim: Cim, share: float, factor: float) -> None:
    layers = products(sizes)
    before = cim_costs(layers, passing(layers, share), cim, system(cim)).latency_s
    after = cim_costs(layers, passing(layers, share), cim, system(cim, bandwidth=8e9 * factor)).latency_s
    assert (after <= before * (1 + 1e-12)).all()
    faster = replace(cim, write_bits_per_cycle=cim.write_bits_per_cycle * factor)
    assert (cim_costs(layers, passing(layers, share), faster, system(faster)).latency_s <= before * (1 + 1e-12)).all()


@LAWS
@given(layer_lists, macros(), shares, st.integers(1, 20))
def test_more_macros_never_slow(sizes: list, cim: Cim, share: float, more: int) -> None:
    layers = products(sizes)
    larger = replace(cim, macros=cim.macros + more)
    before, after = (cim_costs(layers, passing(layers, share), each, system(each)).latency_s for each in (cim, larger))
    assert (after <= before * (1 + 1e-12)).all()


@LAWS
@given(layer_lists, macros(), shares)
def test_energy_adds_up_from_causes_that_are_counted_by_hand(sizes: list, cim: Cim, share: float) -> None:
    layers, traffic = products(sizes), passing(products(sizes), share)
    energy = cim_costs(layers, traffic, cim, system(cim)).energy_j
    m, k, n, count = layers.m, layers.k, layers.n, layers.count
    row_folds, column_folds = -(-k // cim.rows), -(-n // cim.columns)
    slices, steps = -(-8 // cim.cell_bits), -(-8 // cim.input_bits_per_step)
    assert energy[Cause.MAC] == pytest.approx(m * k * n * count * slices * steps * cim.cell_j)
    assert energy[Cause.DAC] == pytest.approx(m * k * count * column_folds * steps * cim.dac_step_j)
    conversions = 0 if cim.adc is None else -(-slices // cim.adc.summed_cells) * steps * cim.adc.conversion_j
    assert energy[Cause.ADC] == pytest.approx(m * n * count * row_folds * conversions)
    assert (energy[Cause.CIM_WRITE] >= 8 * k * n * count * 1e-13 * (1 - 1e-9)).all()
    assert (energy[Cause.DRAM] >= layers.weight_bytes * MEMORY.memories.dram_j_per_byte * (1 - 1e-9)).all()
    added = m * n * count * (row_folds - 1) * MEMORY.vector.operation_j
    assert energy[Cause.VECTOR] == pytest.approx(added), "each part of a sum but the first is added once"
    assert not energy[[Cause.LINK, Cause.LEAKAGE]].any(), "of others"


def test_adding_partial_sums_is_hidden_unless_the_lanes_are_slower_than_the_macros() -> None:
    layers = products([(64, 512, 128, 1), (64, 128, 128, 1)])
    traffic, hardware = passing(layers, 0.0), load_hardware("cim-dsram-22")
    shipped = cim_costs(layers, traffic, hardware.cim, hardware).latency_s
    few = replace(hardware, vector=replace(hardware.vector, lanes=1))
    slower = cim_costs(layers, traffic, hardware.cim, few).latency_s
    mapping = map_to_macros(layers.m, layers.k, layers.n, layers.count, hardware.cim)
    load_s = np.maximum(mapping.load_cycles / 250e6, layers.weight_bytes / 8e9)
    assert shipped == pytest.approx(load_s + mapping.compute_cycles / 250e6)
    assert slower[0] == pytest.approx(load_s[0] + 64 * 128 * 3 / 1e9)
    assert slower[1] == shipped[1], "a sum that is not folded needs no adding"


@LAWS
@given(layer_lists, macros(), shares)
def test_a_resident_network_pays_its_weights_once(sizes: list, cim: Cim, share: float) -> None:
    layers, traffic = products(sizes), passing(products(sizes), share)
    fitting = replace(cim, macros=int(macro_pieces(layers, cim).sum()), ping_pong=False)
    hardware = system(fitting)
    loading = cim_costs(layers, traffic, fitting, hardware)
    staying = cim_costs(layers, traffic, fitting, hardware, resident=True)
    mapping = map_to_macros(layers.m, layers.k, layers.n, layers.count, fitting, most_copies=1)
    compute_s = mapping.compute_cycles / fitting.clock_hz
    activations_s = (traffic.in_bytes + traffic.out_bytes) / 8e9
    adding_s = layers.m * layers.n * layers.count * (mapping.row_folds - 1) / hardware.vector.peak_per_s
    assert staying.latency_s == pytest.approx(np.maximum(np.maximum(compute_s, adding_s), activations_s), rel=1e-9)
    assert not staying.energy_j[Cause.CIM_WRITE].any()
    once = staying.once_energy_j
    assert once[Cause.CIM_WRITE] == pytest.approx(mapping.written_bits * 1e-13)
    assert once[Cause.DRAM] == pytest.approx(layers.weight_bytes * MEMORY.memories.dram_j_per_byte)
    assert (staying.once_latency_s >= mapping.load_cycles / fitting.clock_hz * (1 - 1e-12)).all()
    alone = cim_costs(layers, traffic, replace(fitting, macros=1), hardware)
    for cause in (Cause.SRAM, Cause.DRAM, Cause.MAC):
        assert (staying.energy_j[cause] <= loading.energy_j[cause] * (1 + 1e-9)).all()
    rounds = map_to_macros(layers.m, layers.k, layers.n, layers.count, fitting).rounds
    assert (rounds == 1).all()
    assert (alone.latency_s >= staying.latency_s * (1 - 1e-12)).all()
    assert not loading.once_latency_s.any()
    assert not loading.once_energy_j.any()


@LAWS
@given(layer_lists, macros(), st.integers(1, 12))
def test_best_copies_are_those_that_enumeration_finds(sizes: list, cim: Cim, spare: int) -> None:
    layers = products(sizes[:3])
    pieces = macro_pieces(layers, cim)
    cim = replace(cim, macros=int(pieces.sum()) + spare)
    everywhere = np.ones(len(layers), dtype=bool)
    copies = resident_copies(layers, cim, everywhere)
    assert (pieces * copies).sum() <= cim.macros
    grid = np.stack(np.meshgrid(*[np.arange(1, spare + 2)] * len(layers)), axis=-1).reshape(-1, len(layers))
    fitting = grid[(grid * pieces).sum(axis=1) <= cim.macros]
    assert (-(-layers.m // copies)).sum() == (-(-layers.m // fitting)).sum(axis=1).min()
    traffic = passing(layers, 0.0)
    one = cim_costs(layers, traffic, cim, system(cim), resident=True).latency_s.sum()
    assert cim_costs(layers, traffic, cim, system(cim), True, copies=copies).latency_s.sum() <= one * (1 + 1e-12)


@LAWS
@given(layer_lists, layer_lists, macros())
def test_networks_of_a_batch_do_not_share_macros(first: list, second: list, cim: Cim) -> None:
    layers = products(first + second)
    network = np.array([0] * len(first) + [1] * len(second))
    needed = np.bincount(network, macro_pieces(layers, cim)).max()
    enough = replace(cim, macros=int(needed))
    both = cim_costs(layers, passing(layers, 0.3), enough, system(enough), True, network)
    for each, sizes in ((0, first), (1, second)):
        alone = cim_costs(products(sizes), passing(products(sizes), 0.3), enough, system(enough), True)
        assert both.latency_s[network == each] == pytest.approx(alone.latency_s)
        assert both.energy_j[:, network == each] == pytest.approx(alone.energy_j)
    with pytest.raises(HardwareError, match=r"resident weights need \d+ macros and there are \d+"):
        cim_costs(layers, passing(layers, 0.3), enough, system(enough), True)
