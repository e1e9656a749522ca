"""The HTML view of an audit: one page that needs no network, no script and no other file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from archlock.auditing.record import Advantage, AuditRecord, EstimateLine, MeasuredRank, NotRun, PredictedAttack, Price
from archlock.auditing.recovery import recoveries
from archlock.auditing.repeats import repeats_of
from archlock.auditing.verdict import NO_INTERVAL
from archlock.figures import Figure
from archlock.report import audit_text, page_text
from archlock.report.audit_curves import layer_picture, learning_picture, price_picture
from archlock.report.audit_findings import (
    AttackMean,
    headline_rows,
    is_weakened,
    means_on,
    metric_of,
    prices_of,
    source_of,
    undone_with_less,
)
from archlock.report.audit_pictures import advantage_picture, agreement_picture, attack_picture
from archlock.report.environment import render
from archlock.scores import Origin


@dataclass(frozen=True)
class TargetView:
    """All that the page shows of one target.

    Attributes:
        rows: its headline at each share of the data, the most data first.
        means: attacks and then references, each with the class of its bar.
        as_released: what the strongest attack on the released architecture reached with the most data; None where there
            is no headline.
    """

    name: str
    metric: str
    rows: tuple[Advantage, ...]
    means: tuple[tuple[AttackMean, str], ...]
    as_released: Figure | None
    predicted: tuple[PredictedAttack, ...]
    prices: tuple[Price, ...]
    bars: Markup
    learning: Markup
    price: Markup
    layers: Markup


@dataclass(frozen=True)
class EstimateRow:
    """One estimator: its figure on each target, in their order, and its agreement with attacks, here and elsewhere."""

    name: str
    cells: tuple[EstimateLine | None, ...]
    tau: float | None
    targets: int
    measured: MeasuredRank | None


@dataclass(frozen=True)
class Missing:
    """Attacks that share a reason, on one target or on all."""

    reason: str
    target: str | None
    attacks: tuple[str, ...]
    weakened: bool


def render_audit(record: AuditRecord) -> str:
    """The record as one self-contained HTML page.

    Args:
        record: what to show; where its digest does not fit its content, the page says so before anything else.
    """
    rows = headline_rows(record)
    page = render(
        "audit.html",
        record=record,
        source=source_of(record),
        title=audit_text.title_of(record),
        not_intact=audit_text.NOT_INTACT,
        no_interval=NO_INTERVAL,
        recoveries=tuple((each, undone_with_less(record, each.row)) for each in recoveries(rows, record.attacks)),
        advantages=advantage_picture(record),
        agreement=agreement_picture(record),
        targets=tuple(target_view(record, target) for target in record.target_titles),
        estimates=estimate_rows(record),
        missing=missing(record.not_run),
        repeats=repeats_of(record.budget, record.attacks, record.references),
        meanings=audit_text.meanings(record),
        origins=page_text.ORIGIN_MEANINGS,
        origin=Origin,
    )
    return audit_text.visible(page)


def target_view(record: AuditRecord, target: str) -> TargetView:
    """One target of the record."""
    rows = sorted((row for row in record.advantages if row.target == target), key=lambda row: -row.fraction)
    return TargetView(
        name=target,
        metric=metric_of(record, target),
        rows=tuple(rows),
        means=means_on(record, target),
        as_released=rows[0].as_released if rows else None,
        predicted=tuple(each for each in record.predicted if each.target == target),
        prices=prices_of(record, target),
        bars=attack_picture(record, target),
        learning=learning_picture(record, target),
        price=price_picture(record, target),
        layers=layer_picture(record, target),
    )


def estimate_rows(record: AuditRecord) -> tuple[EstimateRow, ...]:
    """One row per estimator, one cell per target."""
    lines = {(line.estimator, line.target): line for line in record.estimates}
    taus = {each.estimator: each for each in record.agreement}
    names = dict.fromkeys([*(line.estimator for line in record.estimates), *taus])
    return tuple(
        EstimateRow(
            name,
            tuple(lines.get((name, target)) for target in record.target_titles),
            taus[name].kendall_tau if name in taus else None,
            taus[name].targets if name in taus else 0,
            next((line.measured for line in record.estimates if line.estimator == name and line.measured), None),
        )
        for name in names
    )


def missing(not_run: tuple[NotRun, ...]) -> tuple[Missing, ...]:
    """Attacks not run, gathered by reason and target; the reasons that hold for most attacks last."""
    groups = Counter((each.reason, each.target) for each in not_run)
    return tuple(
        Missing(
            reason,
            target,
            tuple(each.attack for each in not_run if (each.reason, each.target) == (reason, target)),
            is_weakened(NotRun(attack="", reason=reason)),
        )
        for (reason, target), _ in sorted(groups.items(), key=lambda pair: pair[1])
    )
