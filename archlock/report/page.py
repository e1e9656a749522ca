"""The HTML view of a run's record: one page that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from archlock.report import page_text
from archlock.report.environment import render
from archlock.report.pictures_candidates import cost_picture, front_picture
from archlock.report.pictures_hardware import UNITS, assignment_picture, unit_class
from archlock.report.pictures_network import network_picture, widest_of
from archlock.report.pictures_targets import targets_picture
from archlock.report.record import HardwareRecord, ModelRecord, RunRecord, TargetRow
from archlock.report.table_record import TableRecord
from archlock.scores import Origin


@dataclass(frozen=True)
class UnitShare:
    """What one unit takes of the latency and energy of an inference."""

    name: str
    style: str
    layers: int
    latency_s: float
    energy_j: float


@dataclass(frozen=True)
class OptionRow:
    """An option of the space as the locked model and its twin have it; empty where it has no effect."""

    name: str
    locked: str
    twin: str

    @property
    def differs(self) -> bool:
        """Whether the two models differ in it."""
        return self.locked != self.twin


def render_page(record: RunRecord) -> str:
    """The record as one self-contained HTML page.

    Args:
        record: what to show; a record cannot claim a lock without an attack, so neither can the page.

    Raises:
        KeyError: the record has no locked model or no twin.
    """
    locked, twin = record.model("locked"), record.model("twin")
    widest = widest_of(locked.options, twin.options)
    return render(
        "page.html",
        record=record,
        locked=locked,
        twin=twin,
        meanings=page_text.meanings(record),
        non_meanings=page_text.non_meanings(record),
        origins=page_text.ORIGIN_MEANINGS,
        origin=Origin,
        front=front_picture(record.candidates),
        costs=cost_picture(record.candidates, record.hardware.budgets),
        locked_network=network_picture(locked.options, "the locked model", widest),
        twin_network=network_picture(twin.options, "the unlocked twin", widest, small=True),
        options=option_rows(locked, twin),
        assignment=assignment_picture(record.hardware.layers),
        units=unit_shares(record.hardware),
        fractions=fraction_pictures(record.targets),
    )


def render_table_page(record: TableRecord) -> str:
    """The record of a search on a table as one self-contained HTML page."""
    return render("table.html", record=record)


def unit_shares(hardware: HardwareRecord) -> tuple[UnitShare, ...]:
    """Totals of each unit that has work, known units first."""
    names = dict.fromkeys([*UNITS, *(layer.unit for layer in hardware.layers)])
    found = {name: [layer for layer in hardware.layers if layer.unit == name] for name in names}
    return tuple(
        UnitShare(
            name,
            unit_class(name),
            len(layers),
            sum(layer.latency_s for layer in layers),
            sum(layer.energy_j for layer in layers),
        )
        for name, layers in found.items()
        if layers
    )


def option_rows(locked: ModelRecord, twin: ModelRecord) -> tuple[OptionRow, ...]:
    """All options of both models, in the order of the space."""
    names = dict.fromkeys([*locked.options, *twin.options])
    return tuple(OptionRow(name, str(locked.options.get(name, "")), str(twin.options.get(name, ""))) for name in names)


def fraction_pictures(rows: Sequence[TargetRow]) -> tuple[tuple[float, Markup], ...]:
    """One picture of the attacks per data fraction, the largest first."""
    fractions = sorted({row.fraction for row in rows}, reverse=True)
    return tuple((each, targets_picture([row for row in rows if row.fraction == each], rows)) for each in fractions)
