"""What matrix products on an array read and write in its registers and in SRAM."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from archlock.hwcost.system.registers import Registers
from archlock.hwcost.system.systolic_array import Dataflow, SystolicArray
from archlock.hwcost.units.costs import ceil_divide
from archlock.hwcost.units.systolic import laid_out
from archlock.hwcost.workload.layers import IntArray
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class Unrolling:
    """How the loops of each layer's products are laid over the rows and columns of an array, shape (layers,) each.

    Attributes:
        row_folds, column_folds: pieces along rows and columns.
        abreast: products of one layer that lie side by side along the columns and share SRAM's words.
    """

    row_folds: IntArray
    column_folds: IntArray
    abreast: IntArray


def unroll(m: IntArray, k: IntArray, n: IntArray, array: SystolicArray) -> Unrolling:
    """The fewest folds: every fold but the last of a side is as large as the array."""
    rows, columns, _ = laid_out(m, k, n, array.dataflow)
    return Unrolling(ceil_divide(rows, array.rows), ceil_divide(columns, array.columns), np.ones_like(m))


@dataclass(frozen=True, eq=False)
class ArrayMapping:
    """How one (m x k) by (k x n) product of each layer lies on the array, shape (layers,) each.

    With stationary weights m streams and n lies along the columns; with stationary inputs the two change places. With
    stationary outputs m lies along the rows, n along the columns, and k streams.

    Attributes:
        m, k, n: sizes of the product; m and n swapped for stationary inputs.
        row_folds, column_folds: pieces along rows and columns.
        held: row folds whose operand a cell holds at once, 1 or more; partial sums of these stay in the array.
        abreast: products of one layer that lie side by side along the columns and share SRAM's words.
        turns: column folds whose operand a cell holds at once and uses in turn while one streamed operand waits.
    """

    m: IntArray
    k: IntArray
    n: IntArray
    row_folds: IntArray
    column_folds: IntArray
    held: IntArray
    abreast: IntArray
    turns: IntArray

    @property
    def columns_used(self) -> FloatArray:
        """Columns in use, on average over the folds."""
        return np.asarray(self.n * self.abreast / self.column_folds, dtype=np.float64)

    @property
    def passes(self) -> IntArray:
        """Times that a partial sum leaves the array; after the last it is the result."""
        return ceil_divide(self.row_folds, self.held)


@dataclass(frozen=True, eq=False)
class Accesses:
    """Accesses of one product of each layer, shape (layers,) each.

    Attributes:
        operand_reads, operand_writes: int8 values at the registers of the stationary operand.
        sum_reads, sum_writes: partial sums at the registers.
        streamed_bytes: operands that SRAM feeds to the array as it computes.
        stationary_bytes: operands that are loaded into the cells, each once.
        sram_sum_reads, sram_sum_writes: bytes of partial sums that wait in SRAM, and results written there.
    """

    operand_reads: FloatArray
    operand_writes: FloatArray
    sum_reads: FloatArray
    sum_writes: FloatArray
    streamed_bytes: FloatArray
    stationary_bytes: FloatArray
    sram_sum_reads: FloatArray
    sram_sum_writes: FloatArray


def map_to_array(
    m: IntArray,
    k: IntArray,
    n: IntArray,
    unrolling: Unrolling,
    dataflow: Dataflow,
    registers: Registers,
    loaded_per_cycle: float,
) -> ArrayMapping:
    """Products on an array in time: how many folds of a sum a cell holds, by `held_folds`.

    Args:
        m: shape (layers,), rows of the first operand of each (m x k) by (k x n) product.
        k: shape (layers,), the size summed over.
        n: shape (layers,), columns of the second operand.
        unrolling: how they are laid over rows and columns.
        dataflow: which operand stays.
        registers: how much a cell holds.
        loaded_per_cycle: values of the operand that stays that reach the cells in a cycle.
    """
    if dataflow is Dataflow.INPUT_STATIONARY:
        m, n = n, m
    rows, columns, one = unrolling.row_folds, unrolling.column_folds, np.ones_like(k)
    held = one
    if dataflow is not Dataflow.OUTPUT_STATIONARY and registers.operand_bytes > 1:
        load_cycles = k / rows * (n * unrolling.abreast) / columns / loaded_per_cycle
        held = held_folds(rows, m, columns, load_cycles, registers)
    return ArrayMapping(m, k, n, rows, columns, held, unrolling.abreast, one)


def held_folds(
    folds: IntArray, m: IntArray, column_folds: IntArray, load_cycles: FloatArray, registers: Registers
) -> IntArray:
    """How many folds of a sum a cell had best hold: one, what loads unseen, or all that fit; shape (layers,).

    Each choice stalls the array in one of two ways: partial sums that leave take SRAM's port for a cycle each, and an
    operand that fills more than half of its registers cannot be loaded behind the one in use. The choice with the
    fewest stalled cycles is taken, of two alike the one that holds more.

    Args:
        folds: shape (layers,), pieces of the sum.
        m: shape (layers,), cycles that a held operand is used for.
        column_folds: shape (layers,), pieces along the columns.
        load_cycles: shape (layers,), cycles to load one fold.
        registers: how much a cell holds.
    """
    unseen, one = _even(folds, registers.hidden_bytes), np.ones_like(folds)
    whole = np.where(folds <= registers.operand_bytes, folds, unseen)
    best, least = one, np.full(folds.shape, np.inf)
    for held in (one, unseen, whole):
        passes, exposes = ceil_divide(folds, held), held > registers.hidden_bytes
        leaving = np.where(passes > 1, m * column_folds * passes, 0)
        exposed = np.where(exposes, load_cycles * held - held, 0) * passes * column_folds
        late = np.maximum(load_cycles - m, 0.0) * np.where(exposes, 0, folds) * column_folds
        stalls = leaving + exposed + late
        better = (stalls < least) | ((stalls == least) & (held > best))
        best, least = np.where(better, held, best), np.where(better, stalls, least)
    return np.asarray(best, dtype=np.int64)


def take_turns(mapping: ArrayMapping, registers: Registers, word_bytes: int, sram_j_per_byte: float) -> ArrayMapping:
    """Let the column folds of a product take turns in the cells where that saves energy.

    A product whose sum is one fold can stream each operand past once and use one held fold after the other on it, at
    the price of a register read per multiply-accumulate. Both orders take the same time, so the cheaper one is taken.
    """
    most = np.where(mapping.column_folds <= registers.operand_bytes, mapping.column_folds, registers.hidden_bytes)
    turns = np.where(mapping.row_folds == 1, _even(mapping.column_folds, most), 1)
    waiting, passing = replace(mapping, turns=turns), replace(mapping, turns=np.ones_like(turns))
    costs = []
    for each in (waiting, passing):
        found = array_accesses(each, Dataflow.WEIGHT_STATIONARY, registers, word_bytes)
        costs.append(found.streamed_bytes * sram_j_per_byte + found.operand_reads * registers.operand_read_j)
    return replace(mapping, turns=np.where(costs[0] < costs[1], turns, 1))


def _even(folds: IntArray, most: int | IntArray) -> IntArray:
    """Folds cut into the fewest equal parts of at most so many."""
    return ceil_divide(folds, ceil_divide(folds, most))


def array_accesses(mapping: ArrayMapping, dataflow: Dataflow, registers: Registers, word_bytes: int) -> Accesses:
    """Register and SRAM accesses of each product on the array, every one counted where it happens.

    In a weight- or input-stationary array every multiply-accumulate reads a sum that comes from the neighbour and
    writes the one it passes on, and the sum of ``held`` folds leaves through one more read; where it is not finished
    it waits in SRAM and comes back. A cell that holds one fold reads its operand once for all that streams past; one
    that cycles through several reads one each cycle. In an output-stationary array the sum stays in its cell, and both
    operands stream. Moving an operand on to the next cell is part of the multiply-accumulate.

    Source: the data movement counts of ZigZag (Mei et al., IEEE TC 2021), with SCALE-Sim's folds.
    """
    macs = np.asarray(mapping.m * mapping.k * mapping.n, dtype=np.float64)
    results = np.asarray(mapping.m * mapping.n, dtype=np.float64)
    used = mapping.columns_used
    final = results * _whole_words(used, 1, word_bytes)
    if dataflow is Dataflow.OUTPUT_STATIONARY:
        nothing = np.zeros_like(macs)
        rows = macs / mapping.m * mapping.row_folds * _whole_words(used, 1, word_bytes)
        columns = macs / mapping.n * mapping.column_folds * _whole_words(mapping.m / mapping.row_folds, 1, word_bytes)
        return Accesses(nothing, nothing, macs + results, macs, rows + columns, nothing, nothing, final)
    stationary = np.asarray(mapping.k * mapping.n, dtype=np.float64)
    leaving = macs * mapping.passes / mapping.row_folds
    waiting = results * registers.sum_bytes * (mapping.passes - 1)
    waiting = waiting * _whole_words(used, registers.sum_bytes, word_bytes)
    rows_used = mapping.k * mapping.abreast / mapping.row_folds
    reads = ceil_divide(mapping.column_folds, mapping.turns)
    streamed = macs / mapping.n * reads * _whole_words(rows_used, 1, word_bytes)
    return Accesses(
        operand_reads=np.where((mapping.held > 1) | (mapping.turns > 1), macs, stationary),
        operand_writes=stationary,
        sum_reads=macs + leaving,
        sum_writes=macs + leaving * (mapping.passes - 1) / mapping.passes,
        streamed_bytes=np.asarray(streamed, dtype=np.float64),
        stationary_bytes=stationary,
        sram_sum_reads=waiting,
        sram_sum_writes=waiting + final,
    )


def _whole_words(values: FloatArray, value_bytes: int, word_bytes: int) -> FloatArray | float:
    """How much more than its bytes an access moves that takes this many values at once, on average over the folds."""
    if word_bytes == 1:
        return 1.0
    taken = np.maximum(np.rint(values), 1) * value_bytes
    return np.asarray(np.ceil(taken / word_bytes) * word_bytes / taken, dtype=np.float64)
