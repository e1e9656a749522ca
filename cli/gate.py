"""``archlock gate``: stop a release that does not meet a policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archlock.auditing.gating.decision import Decision


@click.command("gate")
@click.argument("reports", metavar="REPORT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--policy", required=True, help="YAML file, or the name of a shipped policy such as no-advantage.")
@click.option(
    "--model", type=click.Path(path_type=Path), help="The file or folder to be released: the record must be of it."
)
@click.option("--json", "as_json", is_flag=True, help="Print every clause as JSON; a list for several reports.")
def command(reports: tuple[Path, ...], policy: str, model: Path | None, as_json: bool) -> None:
    """Hold audits against a policy; exit 0 where every clause is met, 1 where one is not.

    REPORT is the folder of an audit or its report.json.
    """
    from archlock.auditing.gating.policy import load_policy
    from archlock.audits import gate
    from archlock.errors import PolicyError

    asked = load_policy(policy)
    decisions = {report: gate(report, asked, model) for report in reports}
    if as_json:
        found = [{"report": str(report), "policy": policy, **each.as_dict()} for report, each in decisions.items()]
        click.echo(json.dumps(found[0] if len(found) == 1 else found, indent=1))
    else:
        for report, decision in decisions.items():
            _show(str(report) if len(decisions) > 1 else "", decision)
    failed = {report: decision.failed for report, decision in decisions.items() if not decision.passed}
    if failed:
        said = (
            f"{report}: does not meet {policy}: {', '.join(each.name for each in failed[report])}" for report in failed
        )
        raise PolicyError("; ".join(said))


def _show(title: str, decision: Decision) -> None:
    """One line for each clause, below the report's name where there are several."""
    if title:
        click.echo(title)
    for clause in decision.clauses:
        click.echo(f"{'pass' if clause.passed else 'FAIL'}  {clause.name}: {clause.said}")
