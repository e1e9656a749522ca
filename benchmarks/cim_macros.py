"""TOPS/W of the macro model beside published macros, and where each input came from.

    python benchmarks/cim_macros.py ../shared/reference/hardware/published_cim_macros.csv

Every figure is modelled at its own operand widths, from measurements other than the figure itself. Three of them
(marked *) are derived from other totals of the same source, not from parts: the median of the others is told apart. The
last lines show what the same macros do at 8 by 8 bit, where one-bit headlines shrink.
"""

from __future__ import annotations

import sys
from pathlib import Path

from archlock.benches.hardware_macros import DERIVED, macro_errors, macro_text
from archlock.hwcost.units.cim_macro import macro_figures
from archlock.hwcost.units.cim_published import BAR, Comparison, compare_published, unmodelled


def main(path: Path) -> int:
    """Print the table; 1 if a published figure is missed by more than the bar."""
    comparisons = compare_published(path)
    print(f"{'macro':20} {'point':20} {'ours':>8} {'theirs':>8} {'error':>8}  in bar  ADC    ADC/line  inputs")
    for each in comparisons:
        print(_line(each))
    for other in unmodelled(path):
        print(f"{other.macro:20} {'-':20} {'-':>8} {other.theirs or '-':>8}  {other.why}")
    judged = [each for each in comparisons if each.error is not None]
    within = sum(bool(each.in_bar) for each in judged)
    print(f"within {BAR:.0%}: {within}/{len(judged)} figures; rows without a published TOPS/W are shown and not judged")
    print(macro_text(macro_errors(comparisons)))
    for macro, why in DERIVED.items():
        print(f"* {macro}: {why}")
    print("\nthe same macros at 8 by 8 bit, and where published their density:")
    for each in comparisons:
        figures = macro_figures(each.figure.model().at_widths(8, 8))
        density = "" if figures.tops_per_mm2 is None else f"{each.ours.tops_per_mm2:8.3f} TOPS/mm2 at its own widths"
        print(f"{each.figure.macro:20} {each.figure.point:20} {figures.tops_per_w:8.2f} TOPS/W {density}")
    return int(within != len(judged))


def _line(each: Comparison) -> str:
    theirs = "-" if each.theirs is None else f"{each.theirs:.2f}"
    error = "-" if each.error is None else f"{each.error:+.1%}"
    judged = "-" if each.in_bar is None else ("yes" if each.in_bar else "no")
    line = "-" if each.ours.adc_against_line is None else f"{each.ours.adc_against_line:.2f}"
    share = f"{each.ours.adc_share:.0%}"
    name = each.figure.macro + ("*" if each.figure.macro in DERIVED else "")
    return (
        f"{name:20} {each.figure.point:20} {each.ours.tops_per_w:8.2f} {theirs:>8} {error:>8}  {judged:6} "
        f" {share:6} {line:8}  {each.figure.inputs}"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: cim_macros.py published_cim_macros.csv")
    sys.exit(main(Path(sys.argv[1])))
