"""The record of an audit: typed, versioned, plain JSON. Every view of it, and the gate, read nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from archlock.documents import Document
from archlock.figures import Figure

AUDIT_FORMAT: Literal["archlock-audit/1"] = "archlock-audit/1"
AUDIT_KEY = "audit"
"""Top-level key by which the manifest of an audit's folder is told from that of a search."""


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class HashedPart(Document):
    """A part of a model: a file by its name, or weights that lie in memory, and the digest of its bytes."""

    what: str
    sha256: str


class ModelFacts(Document):
    """What was audited.

    Attributes:
        form: see `archlock.loading.LoadedModel`.
        sha256: of the model's only part, or of the lines that ``sha256sum`` prints of several.
        hashed: the parts.
        input_shape: (channels, height, width).
        weakened: what loading could not restore, and what the model does against attackers; attacks that need it count
            as not run.
        converted: what was changed without weakening attacks.
    """

    name: str
    form: str
    sha256: str
    parameters: int
    macs: int | None
    input_shape: tuple[int, int, int]
    outputs: int
    hashed: tuple[HashedPart, ...] = ()
    weakened: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()


class TaskFacts(Document):
    """A task of the audit, and the digest of its data as the model saw it."""

    task: str
    role: Literal["source", "target"]
    metric: str
    train: Count
    validation: Count
    test: Count
    sha256: str


class BudgetFacts(Document):
    """What the attacker could spend on each attack; see `archlock.auditing.budgets`.

    Attributes:
        repeats: further seeds, with which what decides an advantage was run.
    """

    name: Literal["quick", "standard", "thorough"]
    steps: Count
    batch: Count
    learning_rates: Annotated[tuple[Positive, ...], Field(min_length=1)]
    fractions: Annotated[tuple[Share, ...], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    samples: Count
    repeats: tuple[int, ...] = ()


class AttackLine(Document):
    """One attack with one seed: what the trial that validation data chose reached on the target's test part.

    Attributes:
        attack: see `archlock.attacks.ATTACKS`; a public reference is ``scratch:NAME``.
        fraction: share of the target's training data used.
        validation: metric by which the trial, and the strongest attack, are chosen.
        value: test metric, higher is better.
        macs: multiply-adds of all its training.
        trainings: how many networks were trained.
    """

    attack: str
    target: str
    fraction: Share
    seed: int
    samples: Count
    learning_rate: Positive
    validation: float
    value: Figure
    macs: Annotated[float, Field(ge=0)]
    trainings: Count
    steps: Annotated[int, Field(ge=0)]

    @property
    def is_surgery(self) -> bool:
        """The attacker edited the architecture."""
        return self.attack.startswith("surgery:")

    @property
    def is_as_released(self) -> bool:
        """The attacker used the released architecture, and not an edited one or a student of another."""
        return not self.is_surgery and self.attack != "distil"


class NotRun(Document):
    """An attack that was not run, and why; ``target`` is None where it holds for all."""

    attack: str
    reason: str
    target: str | None = None


class MeasuredRank(Document):
    """Kendall's tau of an estimate with the strongest attack over cases that are not of this audit.

    Attributes:
        low, high: its interval of level ``level``, bootstrapped over the cases.
        cases: models with a target each; see `AuditRecord.measured_on`.
    """

    kendall_tau: float
    low: float
    high: float
    level: float
    cases: int


class EstimateLine(Document):
    """A quick estimate on one target.

    Attributes:
        estimator: see `archlock.auditing.estimators.ESTIMATORS`; a zero-cost score is ``proxy:NAME``, and
            ``predictor`` what `archlock.auditing.prediction.foresight` says of the architecture.
        figure: None where it could not be had, and ``reason`` says why.
        percentile: share of a population of random networks with a lower score, 0 to 1, where there is one.
        measured: how well it orders other models' cases; None where that was not measured.
    """

    estimator: str
    target: str
    figure: Figure | None
    reason: str = ""
    percentile: float | None = None
    measured: MeasuredRank | None = None


class PredictedAttack(Document):
    """What the strongest attack would reach, predicted from quick estimates.

    Attributes:
        figure: prediction with its interval at the nominal level; without one where the case is unlike the anchors.
        coverage: share of held-out cases whose measured attack lay in such an interval; None where there is none.
        cases: how many held-out cases that was measured on.
        outside: what of model and target lies outside the population that the calibration was fitted to and judged
            on; see `archlock.auditing.prediction.ranges`.
    """

    target: str
    figure: Figure
    coverage: float | None
    cases: int
    outside: tuple[str, ...] = ()


class Advantage(Document):
    """The headline on one target at one data fraction.

    Attributes:
        attack: the strongest attack, surgery included; chosen on validation data.
        value: mean over seeds of what it reached.
        as_released: the strongest attack on the architecture as it was released, and what it reached; edited ones
            and open students left out.
        reference: the strongest public architecture from scratch, or the reference that the user gave.
        advantage: value minus reference; at most zero means that having the model does not help.
    """

    target: str
    fraction: float
    attack: str
    value: Figure
    released_attack: str
    as_released: Figure
    reference: str
    reference_value: Figure
    advantage: Figure


class Summary(Document):
    """Mean over targets at one data fraction, with an interval over targets; the worst target beside it."""

    fraction: float
    targets: int
    advantage: Figure
    worst: Figure
    worst_target: str


class Price(Document):
    """The least that an attacker spends to reach a share of the reference; None figures where no attack got there.

    Attributes:
        share: of what the reference reaches with all of the data.
        macs: multiply-adds of training, of the cheapest attack that got there.
        samples: target samples that it used.
        trainings: networks that it trained.
        value: test metric that it reached; which attack got there, and was cheapest, is asked of validation data.
    """

    target: str
    share: float
    attack: str | None
    macs: float | None
    samples: int | None
    trainings: int | None
    value: Figure | None = None


class LayerTransfer(Document):
    """What a linear probe on one layer's features reaches: where in the network transfer lives."""

    target: str
    layer: str
    depth: float
    value: Figure


class Agreement(Document):
    """How an estimate orders this audit's targets, beside the strongest attack; None with fewer than three targets."""

    estimator: str
    kendall_tau: float | None
    targets: int


class AuditRecord(Document):
    """An audit.

    Attributes:
        headline: one sentence with budget, transfer advantage and the attacks not run.
        created_at: when the audit began, ISO 8601 in UTC.
        settings: what was asked for, and its digest.
        measured_on: the cases that the estimates' rank correlations were measured on.
        reference_sha256: of the model that was given as a reference; empty where none was.
        report_sha256: digest of everything else in the record; see `digest`.
    """

    format: Literal["archlock-audit/1"] = AUDIT_FORMAT
    headline: str
    created_at: str
    versions: dict[str, str]
    settings: dict[str, Any]
    settings_sha256: str
    model: ModelFacts
    tasks: tuple[TaskFacts, ...]
    source_value: Figure | None
    budget: BudgetFacts
    estimates: tuple[EstimateLine, ...]
    predicted: tuple[PredictedAttack, ...]
    attacks: tuple[AttackLine, ...]
    references: tuple[AttackLine, ...]
    not_run: tuple[NotRun, ...]
    advantages: tuple[Advantage, ...]
    summaries: tuple[Summary, ...]
    prices: tuple[Price, ...]
    layers: tuple[LayerTransfer, ...]
    agreement: tuple[Agreement, ...]
    measured_on: str = ""
    reference_sha256: str = ""
    report_sha256: str = Field("", description="of all the rest, in canonical form")

    def digest(self) -> str:
        """SHA-256 of the record without its own digest: keys sorted, no spaces, UTF-8.

        What has its default is left out, so that a field that comes later leaves older records intact.
        """
        content = self.model_dump(mode="json", exclude={"report_sha256"}, exclude_defaults=True)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self) -> Self:
        """The record with its digest filled in."""
        return self.model_copy(update={"report_sha256": self.digest()})

    @property
    def is_intact(self) -> bool:
        """The digest fits the content: nothing was changed after the record was sealed."""
        return self.report_sha256 == self.digest()

    @property
    def target_titles(self) -> tuple[str, ...]:
        """Targets in the order in which they were attacked."""
        return tuple(task.task for task in self.tasks if task.role == "target")
