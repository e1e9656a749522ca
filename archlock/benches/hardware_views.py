"""What ``bench hardware`` prints, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from archlock.benches.device_adaptation import adaptation_document, adaptation_text
from archlock.benches.hardware import HardwareBench
from archlock.benches.hardware_files import rows_document, summaries_text
from archlock.benches.hardware_macros import macro_text
from archlock.benches.hardware_ranks import rank_text
from archlock.benches.hardware_speed import speed_text
from archlock.benches.heterogeneity import heterogeneity_text
from archlock.benches.one_proxy_table import one_proxy_document, one_proxy_text


def hardware_document(bench: HardwareBench) -> dict[str, object]:
    """What ``--json`` prints."""
    return {
        "files": {name: rows_document(figures) for name, figures in bench.files.items()},
        "summaries": [asdict(one) for one in bench.summaries],
        "macros": [asdict(one) for one in bench.macros],
        "ranks": [asdict(one) for one in bench.ranks],
        "speed": None if bench.speed is None else asdict(bench.speed),
        "heterogeneity": [asdict(one) for one in bench.gains],
        "adaptation": adaptation_document(bench.adaptation),
        "one_proxy": one_proxy_document(bench.one_proxy),
        "missing": list(bench.missing),
        "left_out": dict(bench.left_out),
    }


def hardware_text(bench: HardwareBench) -> str:
    """All sections, with an empty line between."""
    return "\n\n".join(_parts(bench))


def _parts(bench: HardwareBench) -> Iterator[str]:
    if bench.summaries:
        yield "\n".join([summaries_text(bench.summaries), *([macro_text(bench.macros)] if bench.macros else [])])
    if bench.ranks:
        yield rank_text(bench.ranks)
    if bench.speed:
        yield speed_text(bench.speed)
    if bench.gains:
        yield heterogeneity_text(bench.gains)
    if bench.adaptation:
        yield adaptation_text(bench.adaptation)
    if bench.one_proxy:
        first = bench.one_proxy[0]
        yield f"one-proxy search from {first.proxy}, {first.samples} measurements\n{one_proxy_text(bench.one_proxy)}"
    absent = [f"{name}: not there" for name in bench.missing]
    absent += [f"{section}: left out: {reason}" for section, reason in bench.left_out.items()]
    if absent:
        yield "\n".join(absent)
