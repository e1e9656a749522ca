"""Does surgery break a naive lock? A good NAS-Bench-201 cell with one edge closed, trained on a source and audited.

    python benchmarks/audit_naive_lock.py --out FOLDER [--targets NAME…] [--full]

The good cell has a 3x3 convolution on the edge that every other convolution hangs on; the lock closes that edge, so
that what reaches the output is an average pooling. The audit reads nothing of the good cell; the folder keeps it, and
a run goes on where it was stopped. Printed: the gap between the best public network from scratch and the locked model
as it was released, the share of it that the strongest surgery recovers, and the headline, which must begin by saying
so. ``--full`` runs all attacks of the standard budget instead of fine-tunings and surgeries at all of the data.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from archlock.auditing.budgets import BUDGETS
from archlock.auditing.record import AuditRecord
from archlock.auditing.recovery import recoveries
from archlock.audits import audit
from archlock.report.audit_page import render_audit
from archlock.seeding import torch_generator
from archlock.spaces.cell import AVERAGE_POOL, CONV_3X3, NONE
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task
from archlock.training.fit import Schedule, evaluate, fit

SHAPE = (3, 16, 16)
SOURCE, TARGETS = "digits", ("glyphs", "colours")
SEED = 0
STEPS = 200
GOOD: Genotype = (CONV_3X3, NONE, CONV_3X3, AVERAGE_POOL, CONV_3X3, CONV_3X3)
LOCKED: Genotype = (NONE, *GOOD[1:])
"""The good cell with its first edge closed."""
ATTACKS = ("linear-probe", "fine-tune", "direct-all", "from-scratch", "distil", "surgery:skip", "surgery:conv",
           "surgery:all")  # fmt: skip


def main() -> None:
    """Train the lock, audit it, and print what surgery recovers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--targets", nargs="*", default=TARGETS)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    budget = BUDGETS["standard"]
    if not arguments.full:
        budget = replace(budget, attacks=ATTACKS, fractions=(1.0,))
    began = time.process_time()
    trained, reached = train(LOCKED)
    print(f"locked by one edge: {reached:.3f} on {SOURCE}", flush=True)
    model = arguments.out / "model"
    if not model.exists():
        model.mkdir(parents=True)
        export_network(trained, model)
    out = arguments.out / "-".join(["audit", *arguments.targets])
    record = audit(str(model), source=SOURCE, targets=arguments.targets, budget=budget, out=out)
    show(record)
    print(f"{time.process_time() - began:.0f} s of processor time\n{record.headline}")


def train(genotype: Genotype) -> tuple[TrainedNetwork, float]:
    """A cell trained on the source without its edges that lead nowhere, and what it reaches there."""
    space, task = load_space("nasbench201"), load_task(SOURCE, input_shape=SHAPE)
    genotype = space.canonical(genotype)
    torch.manual_seed(SEED)
    network = space.build(genotype, task.io)
    fit(network, task, Schedule(STEPS), torch_generator(SEED, "naive lock"))
    return TrainedNetwork(space, genotype, task.io, network.state_dict()), evaluate(network, task, task.test)


def show(record: AuditRecord) -> None:
    """The gap on each target, and what the strongest surgery recovers of it."""
    print("target      data  as released          best surgery       reference   gap    recovered  said first")
    locked = []
    for each in recoveries(record.advantages, record.attacks):
        row = each.row
        share = "   no gap" if each.share is None else f"{each.share:9.0%}"
        edited = float("nan") if each.reached is None else each.reached.value
        if row.fraction == 1.0 and each.gap > 0:
            locked.append(each)
        print(f"{row.target:9}  {row.fraction:4.0%}  {row.as_released.value:.3f} {row.released_attack:13}  "
              f"{edited:.3f} {(each.surgery or '').removeprefix('surgery:'):10}  {row.reference_value.value:9.3f}  "
              f"{each.gap:+.3f} {share}  {'yes' if said_first(record, row.target) else 'no'}")  # fmt: skip
    if locked:
        pooled = sum(each.gained for each in locked) / sum(each.gap for each in locked)
        print(f"pooled over {len(locked)} targets with all of the data: {pooled:.0%} of the gap recovered")


def said_first(record: AuditRecord, target: str) -> bool:
    """Whether the page's first screen, and the headline that begins it, say that surgery undoes the lock there."""
    told = record.headline.partition("Surgery undoes the lock on ")[2].partition(";")[0]
    first = render_audit(record).partition('<section id="meaning"')[0]
    return f"{target} (" in told and "undoes the lock" in first and "Not broken" not in record.headline


if __name__ == "__main__":
    main()
