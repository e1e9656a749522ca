"""Mode `paper` on the tables: labels of the source alone, beside its baselines and with each part replaced by chance.

    ARCHLOCK_DATA=FOLDER python benchmarks/lock_paper.py [--space NAME] [--tasks a,b] [--labels 128] [--seeds 3]

The paper's own metric (relative fall of the target percentile, source percentile lost) stands beside the published
"up to 30 % / 50 %, < 2 %", whose final pick looks at the target; that pick is the row `leak`. `archlock bench lock
--mode paper` writes the records that these figures can be recomputed from.
"""

from __future__ import annotations

import argparse
import sys
from time import process_time

import torch

from archlock.benches.lock import LockBench, run_trial, trials
from archlock.benches.lock_table import as_text, variants_text
from archlock.benches.record import LockRecord
from archlock.benches.setting import TableChoice, open_setting
from archlock.errors import ArchlockError
from archlock.locking.tabular.paper_votes import voters
from archlock.locking.tabular.problem import ABLATIONS, Ablation
from archlock.locking.tabular.protocol import Rules


def measure(choice: TableChoice, labels: int, seeds: int, ablated: tuple[Ablation, ...]) -> list[LockRecord]:
    """One record per pair and seed."""
    bench = LockBench(choice, Rules("paper", labels, ablated=ablated), tuple(range(seeds)))
    return [run_trial(trial) for trial in trials(bench)]


def main() -> None:
    """Print the table, one line per ablation, and whose proxies stood in for which task's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="transnas_macro")
    parser.add_argument("--tasks", default="")
    parser.add_argument("--labels", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablations", action="store_true", help="also with each part replaced by chance")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        choice = TableChoice.of(options.space, None, options.tasks, None)
        start = process_time()
        records = measure(choice, options.labels, options.seeds, ())
        each_s = (process_time() - start) / len(records)
        print(as_text(records))
        if options.ablations:
            others = {f"{part} random": measure(choice, options.labels, options.seeds, (part,)) for part in ABLATIONS}
            print(variants_text(others))
        pool = open_setting(choice).pool
        stand_ins = {task: voters(pool, task).of for task in choice.tasks_in_play()}
    except ArchlockError as error:
        sys.exit(f"lock_paper: {error}")
    print("votes of: " + ", ".join(f"{task} {of}" for task, of in stand_ins.items()))
    print(f"{each_s:.2f} s of processor time per trial")


if __name__ == "__main__":
    main()
