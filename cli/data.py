"""``archlock data``: which tables there are, downloading, importing and checking them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from archlock.errors import RunFailedError
from archlock.tables.catalogue import find_dataset
from archlock.tables.getting import get_dataset
from archlock.tables.holdings import Finding, Holding, import_file, list_holdings, verify

command = click.Group("data", help="Results of networks that others trained: list, download, import, check.")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder; else $ARCHLOCK_DATA, else the user's cache folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@command.command("list")
@data_option
@json_option
def list_command(data: Path | None, as_json: bool) -> None:
    """List data sets and imported tables, and which are there."""
    rows = list_holdings(data)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.state:<7}  {_size(row)}  {row.about}")


def _size(row: Holding) -> str:
    return f"{row.download_bytes / 1e6:5.1f} MB" if row.download_bytes else "import  "


@command.command("get")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--mirror", "mirrors", multiple=True, metavar="TEMPLATE", help="URL to try first, with {path}; see docs.")
@click.option("--again", is_flag=True, help="Download and replace what is there.")
@data_option
@json_option
def get_command(names: Sequence[str], mirrors: Sequence[str], again: bool, data: Path | None, as_json: bool) -> None:
    """Download data sets, check them by SHA-256, and convert them.

    A mirror's TEMPLATE is an https URL with {repository}, {commit}, {path} or {sha256} in it. More can be named in
    ARCHLOCK_MIRRORS, separated by blanks, or in mirrors.txt in the data folder, one per line.
    """
    for name in names:
        find_dataset(name)
    with DownloadBars() as bars:
        paths = [path for name in names for path in get_dataset(name, data, bars, mirrors=mirrors, again=again)]
    click.echo(json.dumps([str(path) for path in paths]) if as_json else "\n".join(map(str, paths)))


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What to call the table, or the data set that the file is of.")
@click.option("--replace", is_flag=True, help="Replace what is there under that name.")
@data_option
@json_option
def import_command(file: Path, name: str, replace: bool, data: Path | None, as_json: bool) -> None:
    """Check FILE and copy it into the data folder; docs/tables.md describes its form."""
    path = import_file(file, name, data, again=replace)
    click.echo(json.dumps({"name": name, "file": str(path)}) if as_json else str(path))


@command.command("verify")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_option
@json_option
def verify_command(names: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Check that what is there is well formed and holds the published values; exit 3 where it does not."""
    findings = verify(names, data)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for line in _summary(findings):
            click.echo(line)
    wrong = [finding for finding in findings if finding.verdict == "differs"]
    if wrong:
        raise RunFailedError(
            f"{len(wrong)} of {len(findings)} checks failed, the first: {wrong[0].name}: {wrong[0].detail}"
        )


def _summary(findings: Sequence[Finding]) -> list[str]:
    names = dict.fromkeys(finding.name for finding in findings)
    return [_counts(name, [finding for finding in findings if finding.name == name]) for name in names] or [
        "nothing is there; 'archlock data get NAME' downloads, 'archlock data list' names what there is"
    ]


def _counts(name: str, findings: Sequence[Finding]) -> str:
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.verdict, []).append(finding.item)
    parts = [f"{len(kinds[kind])} {kind}" for kind in ("as published", "own", "differs") if kind in kinds]
    wrong = f" ({', '.join(kinds['differs'])})" if "differs" in kinds else ""
    return f"{name}: {', '.join(parts)}{wrong}"


class DownloadBars:
    """How downloads go, on stderr: a bar where a person watches, a line per file elsewhere; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
            TimeRemainingColumn(), console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._bar: TaskID | None = None

    def started(self, name: str, have_bytes: int, size_bytes: int) -> None:
        """A file begins; see `archlock.tables.fetch.Watcher`."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar = self._bars.add_task(name, total=size_bytes, completed=have_bytes)
        rest = f", {have_bytes} bytes are there" if have_bytes else ""
        if not self._console.is_terminal:
            self.message(f"{name}: {size_bytes} bytes{rest}")

    def progressed(self, have_bytes: int) -> None:
        """So many bytes are there."""
        if self._bar is not None:
            self._bars.update(self._bar, completed=have_bytes)

    def message(self, text: str) -> None:
        """One line above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
