"""``archlock report``: the views of a finished run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(("html", "json")), default="html", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; stdout by default.")
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
def command(run: Path, form: str, out: Path | None) -> None:
    """Show a run's report; RUN is a run folder or its report.json."""
    from archlock.api import read_any_report, render
    from archlock.errors import UsageError

    record = read_any_report(run)
    text = render(record) if form == "html" else record.model_dump_json(indent=1)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    click.echo(str(out))
