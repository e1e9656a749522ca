"""The library's second door: audit a model, whoever made it, and hold the audit against a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

from torch import nn

from archlock.api import PAGE, RECORD, versions
from archlock.attacks import ATTACKS
from archlock.auditing.binding import Bound, bind
from archlock.auditing.budgets import AuditBudget, find_budget
from archlock.auditing.cancelling import Cancellable
from archlock.auditing.folder import finished, open_audit
from archlock.auditing.gating.decision import Decision
from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Policy, load_policy
from archlock.auditing.plan import AuditPlan
from archlock.auditing.reading import read_audit
from archlock.auditing.record import AuditRecord
from archlock.auditing.run import run_audit
from archlock.auditing.subject import HeldModel, ModelSource, Subject, digest_of_files, held
from archlock.errors import InterruptedRunError, UsageError, did_you_mean
from archlock.executors import Executor, SerialExecutor
from archlock.report.audit_page import render_audit
from archlock.runs import InMemoryRun, Progress, SilentProgress, Workshop
from archlock.runs.manifest import MANIFEST
from archlock.tasks.registry import check_task, load_task
from archlock.tasks.settings import TaskSettings

DEFAULT_TARGETS = ("glyphs", "counting", "textures", "colours", "presence")
"""Generated tasks that ask for form, number, texture, colour and place; a target that is the source is left out."""

TaskName = str | TaskSettings


def audit(
    model: str | Path | nn.Module,
    *,
    source: TaskName,
    targets: Sequence[TaskName] = (),
    budget: str | AuditBudget = "standard",
    attacks: Sequence[str] = (),
    reference: str | Path | nn.Module | None = None,
    weights: Path | None = None,
    input_shape: tuple[int, int, int] | None = None,
    out: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> AuditRecord:
    """Attack a model on tasks it was not released for, and report how far each attack gets.

    Args:
        model: a ``.pt2`` file, a folder of ours, ``package.module:function``, or a module, which is copied and never
            trained; a module needs ``input_shape`` and an executor of this process.
        source: the task the model is released for; its outputs must fit.
        targets: tasks that someone might want of it; `DEFAULT_TARGETS` by default.
        budget: ``quick``, ``standard`` or ``thorough``, or one of your own.
        attacks: names of the attacks to run, out of the budget's; all of them by default.
        reference: another model that an attacker could take instead, such as the unlocked twin.
        weights: of a factory.
        input_shape: (channels, height, width), where the model does not say it.
        out: folder for the record and what is needed to go on after an interruption; nothing is written for None. An
            audit that has ended there is read, and neither computed nor dated anew.
        executor: where work runs; in this process by default. The result is the same for all.
        progress: who is told.
        cancel: once it is set, the audit stops at the next unit of work.

    Returns:
        The sealed record.

    Raises:
        ModelError: the model cannot be handled.
        UsageError: an unknown task, attack or budget, or a folder of another audit, model, data or version.
        InterruptedRunError: cancelled; with ``out``, the same call goes on.
    """
    given = None if reference is None else _subject(reference, source, None, input_shape)
    plan = plan_audit(_subject(model, source, weights, input_shape), source, targets, budget, attacks, given)
    work = executor or SerialExecutor()
    held_here = any(isinstance(each, HeldModel) for each in (plan.subject, plan.reference))
    if held_here and not isinstance(work, SerialExecutor):
        raise UsageError("a module of this process cannot be sent to others: save it, or use the serial executor")
    told: Progress = progress or SilentProgress()
    watched = told if cancel is None else Cancellable(told, cancel)
    bound = bind(plan, versions())
    if out is None:
        return run_audit(bound, Workshop(InMemoryRun(), work, watched))
    return _audit_into(out, bound, work, watched)


def _audit_into(out: Path, bound: Bound, executor: Executor, progress: Progress) -> AuditRecord:
    """Audit into a folder; one that was begun there goes on, and one that has ended is read."""
    folder, began = open_audit(out, bound)
    with folder:
        if record := finished(folder, RECORD):
            return record
        try:
            record = run_audit(began, Workshop(folder, executor, progress))
        except InterruptedRunError as error:
            raise InterruptedRunError(f"{error}; the same audit into {out} goes on from there") from None
        folder.write_text(PAGE, render_audit(record))
        folder.write_text(RECORD, record.model_dump_json(indent=1))  # last: it says that the audit has ended
    return record


def gate(report: AuditRecord | Path | str, policy: Policy | Path | str, model: Path | str | None = None) -> Decision:
    """Hold an audit against a policy.

    Args:
        report: a record, the folder of an audit, or its ``report.json``.
        policy: a policy, a YAML file, or the name of a shipped one.
        model: the file, or the folder of ours, that is to be released: the record must be of it.

    Returns:
        The decision, with every clause; ``decision.passed`` is the answer.

    Raises:
        ConfigError: a policy that is wrong; with file, line and key.
        UsageError: no such report, policy or model, or not the record of an audit.
    """
    record = report if isinstance(report, AuditRecord) else read_audit(_record_path(Path(report)))
    released = None if model is None else digest_of_files(Path(model))
    return judge(record, policy if isinstance(policy, Policy) else load_policy(policy), released_sha256=released)


def _record_path(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / MANIFEST).exists() and not (path / RECORD).exists():
        raise UsageError(f"{path}: the audit is not finished; give archlock audit the same arguments again")
    return path / RECORD


def plan_audit(
    subject: Subject,
    source: TaskName,
    targets: Sequence[TaskName] = (),
    budget: str | AuditBudget = "standard",
    attacks: Sequence[str] = (),
    reference: Subject | None = None,
) -> AuditPlan:
    """Resolve names.

    Raises:
        UsageError: an unknown budget, task or attack, a target that is the source or named twice, or a reference that
            the budget has no use for.
    """
    own = _task(source)
    wanted = tuple(map(_task, targets)) or tuple(_task(name) for name in DEFAULT_TARGETS if name != own.name)
    for place, target in enumerate(wanted):
        if target in wanted[:place]:
            raise UsageError(f"target {target.title}: is named twice")
    for task in (own, *wanted):
        check_task(task)
    spent = find_budget(budget) if isinstance(budget, str) else budget
    for name in attacks:
        if name not in ATTACKS:
            raise UsageError(f"attack {name!r} is not known.{did_you_mean(name, tuple(ATTACKS))}")
    if attacks:
        # What trains more than a head is judged beside public networks, whatever the budget.
        spent = replace(spent, attacks=tuple(dict.fromkeys(attacks)))
        spent = replace(spent, references=spent.references or spent.tunes)
    if reference is not None and not spent.references:
        raise UsageError(f"the budget {spent.name} compares with no reference: leave it out, or ask for standard")
    return AuditPlan(subject, own, wanted, spent, reference)


def _task(given: TaskName) -> TaskSettings:
    return given if isinstance(given, TaskSettings) else TaskSettings(name=given)


def _subject(
    model: str | Path | nn.Module, source: TaskName, weights: Path | None, shape: tuple[int, int, int] | None
) -> Subject:
    if not isinstance(model, nn.Module):
        return ModelSource(str(model), weights, shape)
    if shape is None:
        raise UsageError("a module does not say what it takes: give input_shape=(channels, height, width)")
    return held(model, shape, load_task(_task(source), input_shape=shape).io.output, type(model).__name__)
