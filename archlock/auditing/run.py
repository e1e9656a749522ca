"""An audit from model to record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archlock.auditing import units
from archlock.auditing.advantage import advantages, prices, summarise
from archlock.auditing.attacking import Attackers
from archlock.auditing.binding import Bound
from archlock.auditing.facts import budget_facts, model_facts, not_run, settings_of
from archlock.auditing.lines import agreements, estimate_lines, layer_lines, metric_figure, proxy_lines
from archlock.auditing.prediction.foresight import foreseen, foresight_lines
from archlock.auditing.prediction.measured import shipped_ranks, with_ranks
from archlock.auditing.prediction.predicting import about_case, predict_attack
from archlock.auditing.record import AttackLine, AuditRecord, ModelFacts, PredictedAttack
from archlock.auditing.verdict import headline
from archlock.figures import Figure
from archlock.runs import Workshop
from archlock.runs.manifest import digest_of
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings

Results = Mapping[Any, Any]


def run_audit(bound: Bound, workshop: Workshop) -> AuditRecord:
    """Estimate, attack, compare with references, and sum up.

    Args:
        bound: what is asked for, of which model and data. A `HeldModel` needs an executor of this process.
        workshop: does the units of work; asked again with the same store it goes on where it was interrupted.

    Raises:
        ModelError: a network that fails under an attack, or a model that was changed meanwhile.
        TaskError: data that was changed meanwhile.
        InterruptedRunError: the user stopped it.
    """
    record = _Audit(bound, workshop).record()
    bound.check()
    return record


class _Audit:
    """One audit: asks for units of work in order and keeps their results."""

    def __init__(self, bound: Bound, workshop: Workshop) -> None:
        self.bound, self.plan, self.workshop = bound, bound.plan, workshop

    def record(self) -> AuditRecord:
        """The sealed record."""
        plan, budget = self.plan, self.plan.budget
        source_value = self._source_value()
        weakened = self._weakened()
        looks = self._do("quick look", units.quick_look, "look", plan.targets)
        scored = self._do("score proxies", units.score_proxies, "proxies", plan.targets)
        placed = self._do("ask the predictor", foreseen, "predictor", plan.targets)
        estimates = (*estimate_lines(looks), *proxy_lines(scored), *foresight_lines(placed))
        attacks, references = self._attacked(looks)
        deep = () if budget.name == "quick" else plan.targets
        layers = self._do("probe layers", units.probe_layers, "layers", deep)
        rows = advantages(attacks, references, {title: task.facts.test for title, task in self.bound.tasks.items()})
        model = model_facts(self.bound, weakened)
        means, predicted = summarise(rows), tuple(self._predicted(looks, model, source_value))
        missing = tuple(not_run(plan, attacks, weakened))
        settings, spent = settings_of(plan), budget_facts(plan)
        return AuditRecord(
            headline=headline(spent, rows, means, predicted, missing, attacks, references),
            created_at=self.bound.created_at,
            versions=dict(self.bound.versions),
            settings=settings,
            settings_sha256=digest_of(settings),
            model=model,
            tasks=tuple(task.facts for task in self.bound.tasks.values()),
            source_value=source_value,
            budget=spent,
            estimates=with_ranks(estimates, {title: task.kind for title, task in self.bound.tasks.items()}),
            measured_on=shipped_ranks().note,
            reference_sha256=self.bound.reference_sha256 or "",
            predicted=predicted,
            attacks=attacks,
            references=references,
            not_run=missing,
            advantages=rows,
            summaries=means,
            prices=prices(attacks, references),
            layers=tuple(layer_lines(layers)),
            agreement=tuple(agreements(looks, attacks)),
        ).sealed()

    def _do(
        self, stage: str, function: Callable[[units.Case], Any], key: str, tasks: Sequence[TaskSettings]
    ) -> dict[Any, Any]:
        """One unit of work per task."""
        jobs = {(key, task.title): self.plan.case(task) for task in tasks}
        return self.workshop.do(stage, function, jobs) if jobs else {}

    def _source_value(self) -> Figure | None:
        [value] = self._do("test the source", units.source_value, "source", (self.plan.source,)).values()
        task = self.bound.tasks[self.plan.source.title]
        return None if value is None else metric_figure(value, task.facts.test, task.kind)

    def _weakened(self) -> tuple[str, ...]:
        """How attacks are weakened; where the body is trained, each target is asked, since a model can tell them."""
        tasks = (self.plan.source, *(self.plan.targets if self.plan.budget.tunes else ()))
        told: dict[str, str] = {}
        for (_, title), found in self._do("look for evasions", units.find_evasions, "evasions", tasks).items():
            where = "" if title == self.plan.source.title else f" on {title}"
            told = {way: f"{said}{where}" for way, said in found.items()} | told  # what came first stays
        return (*self.plan.subject.load().weakened, *told.values())

    def _attacked(self, looks: Results) -> tuple[tuple[AttackLine, ...], tuple[AttackLine, ...]]:
        """Attacks and references, the strongest of them with further seeds."""
        attackers = Attackers(self.bound, self.workshop)
        attacks = attackers.attacks({title: look for (_, title), look in looks.items()})
        return attackers.repeated(attacks, attackers.references(attacks))

    def _predicted(self, looks: Results, model: ModelFacts, source: Figure | None) -> Iterator[PredictedAttack]:
        targets = {target.title: target for target in self.plan.targets}
        space = self.plan.subject.load().space
        for (_, title), look in looks.items():
            task = self.bound.tasks[title]
            about = about_case(
                model.parameters,
                model.macs,
                model.input_shape,
                None if source is None else source.value,
                samples=len(load_task(targets[title]).train),
                seen=task.facts.train,
            )
            found = predict_attack(title, look, task.kind, about, space)
            if found is not None:
                yield found
