"""The page is well formed, loads nothing, and stays whole whatever the record's names and numbers are."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reader import Page

from archlock.report.page import render_page

LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "formaction", "background"}
DRAWN = {"x", "y", "width", "height", "cx", "cy", "r", "rx", "d", "viewbox"}
NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?", re.IGNORECASE)
MOST_BYTES = 1_500_000

plain_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120)
nasty_names = st.sampled_from(
    ["<script>alert(1)</script>", "a\"b'c", "&amp;&lt;", "</style></svg></table>", "{{ 7 * 7 }}", "x" * 3000, "日本語"]
)
names = st.one_of(plain_names, nasty_names)


def check(html: str) -> Page:
    """Assert all that holds of every page."""
    page = Page(html)
    assert page.faults == []
    assert not any(tag in {"script", "iframe", "object", "embed", "img"} for tag, _ in page.tags)
    loads = [value for _, attrs in page.tags for name, value in attrs.items() if name in LOADING]
    assert loads
    assert all(value.startswith("#") or value == "data:," for value in loads)
    styles = [attrs.get("style", "") for _, attrs in page.tags] + re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not any(word in style for style in styles for word in ("url(", "@import", "//", "expression("))
    drawn = [value for _, attrs in page.tags for name, value in attrs.items() if name in DRAWN]
    assert len(drawn) > 100
    assert not any("nan" in value or "inf" in value for value in drawn)
    assert all(math.isfinite(float(number)) for value in drawn for number in NUMBER.findall(value))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {f"#{name}" for name in ids} >= {value for value in loads if value != "data:,"}
    assert len(html.encode()) < MOST_BYTES
    return page


def test_a_usual_page_is_whole(make_record):
    page = check(render_page(make_record()))
    assert [attrs["role"] for tag, attrs in page.tags if tag == "svg"] == ["img"] * 7
    assert all(attrs["aria-label"] for tag, attrs in page.tags if tag == "svg")


def test_headings_step_down_by_one(make_record):
    levels = [int(tag[1]) for tag, _ in Page(render_page(make_record())).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_large_run_stays_small(make_record):
    many = tuple(f"target {index}" for index in range(24))
    check(render_page(make_record(targets=many, count=20_000, depth=700)))


@settings(max_examples=25, deadline=None)
@given(
    targets=st.lists(names, min_size=1, max_size=4, unique=True),
    name=names,
    shift=st.one_of(st.floats(-3, 3), st.sampled_from([-1e6, 1e200, -1e200, 1e-200])),
    fractions=st.sampled_from([(1.0,), (0.1, 1.0), (0.001, 0.02, 0.5)]),
    count=st.sampled_from([1, 2, 40]),
    depth=st.sampled_from([1, 30]),
)
def test_any_record_gives_a_whole_page(make_record, targets, name, shift, fractions, count, depth):
    record = make_record(
        targets=tuple(targets), name=name, shift=shift, fractions=fractions, count=count, depth=depth, budgets={}
    )
    page = check(render_page(record))
    shown = "".join(page.words)
    assert all(target in shown for target in targets)
    assert name in shown


@settings(max_examples=25, deadline=None)
@given(options=st.dictionaries(names, st.one_of(st.booleans(), st.integers(), names), max_size=8))
def test_a_space_without_stages_is_shown_as_a_table(make_record, options):
    page = check(render_page(make_record(options=options)))
    assert all(option in "".join(page.words) for option in options)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium on the path")
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_it_without_complaint_or_sideways_scrolling(make_record, tmp_path: Path, width: int):
    probe = (
        "<script>document.body.dataset.wide = "
        "document.documentElement.scrollWidth - document.documentElement.clientWidth;"
        "document.body.dataset.drawn = [...document.querySelectorAll('svg')]"
        ".filter(each => each.getBoundingClientRect().height > 20).length;"
        "console.log('probe ran')</script></body>"
    )
    file = tmp_path / "page.html"
    file.write_text(render_page(make_record()).replace("</body>", probe), encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    flags += f"--disable-component-update --disable-sync --enable-logging=stderr --dump-dom --window-size={width},900"
    shown = subprocess.run(
        ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'user'}", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    dom = Page(shown.stdout)
    assert "<title>archlock report: digits, seed 0</title>" in shown.stdout
    body = next(attrs for tag, attrs in dom.tags if tag == "body")
    assert (body["data-wide"], body["data-drawn"]) == ("0", "7")
    said = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert len(said) == 1
    assert "probe ran" in said[0]
