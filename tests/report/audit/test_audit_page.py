"""The page of an audit: the verdict first, every figure with its class, whole whatever the record's names are."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.auditing.record import NotRun
from archlock.auditing.verdict import headline
from archlock.report.audit_findings import surgeries_on
from archlock.report.audit_page import render_audit
from archlock.report.audit_text import visible

LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "formaction", "background"}
DRAWN = {"x", "y", "width", "height", "cx", "cy", "r", "d", "viewbox"}
NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?", re.IGNORECASE)
names = st.one_of(
    st.text(min_size=1, max_size=80),
    st.sampled_from(
        ["<script>alert(1)</script>", "</style></svg>", "{{ 7 * 7 }}", "&amp;\"'", "😀", "a\u202eb", "x" * 900]
    ),
)


def check(html: str, read_page):
    """Assert all that holds of every page."""
    page = read_page(html)
    assert (page.faults, page.open) == ([], [])
    assert not any(tag in {"script", "iframe", "object", "embed", "img", "form"} for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    loads = [value for _, attrs in page.tags for name, value in attrs.items() if name in LOADING]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(loads) <= {f"#{name}" for name in ids} | {"data:,"}
    style = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert not any(word in style for word in ("url(", "@import", "//"))
    drawn = [value for _, attrs in page.tags for name, value in attrs.items() if name in DRAWN]
    assert not any(word in value for value in drawn for word in ("nan", "inf"))
    assert all(math.isfinite(float(number)) for value in drawn for number in NUMBER.findall(value))
    pictures = page.where("svg")
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)
    return page


def test_the_first_screen_holds_the_verdict(make_audit, read_page):
    record = make_audit(shift=0.02)
    html = render_audit(record)
    check(html, read_page)
    first = read_page(html[: html.index('<section id="meaning"')]).text
    assert record.headline in first
    for row in record.advantages:
        if row.fraction == 1.0:
            assert all(word in first for word in (row.target, row.attack, row.reference))
            assert f"{100 * abs(row.advantage.value):.1f}" in first
            assert f"{100 * abs(row.advantage.low):.1f}" in first
    assert "of the gap, by surgery:skip: undoes the lock" in first
    undone = [each.row for each in surgeries_on(record) if each.undoes_lock]
    assert {row.fraction for row in undone} == {0.25, 1.0}
    assert first.count("undoes the lock") == len(undone) + record.headline.count("undoes the lock")
    assert "Attacks not run: no data that it needs" in first
    assert "undo" in first


def test_every_kind_of_picture_is_drawn_for_every_target(make_audit, read_page):
    page = check(render_audit(make_audit()), read_page)
    labels = [each["aria-label"] for each in page.where("svg")]
    for target in ("glyphs", "presence", "rhythms"):
        for beginning in ("Bars of the test metric", "Test metric", "Cost of reaching", "Linear probes"):
            assert sum(each.startswith(beginning) and f"on {target}" in each for each in labels) == 1
    assert len(labels) == 3 * 4 + 2


def test_every_figure_and_digest_of_the_record_is_shown(make_audit, read_page):
    record = make_audit()
    text = check(render_audit(record), read_page).text
    digests = [record.model.sha256, record.settings_sha256, record.report_sha256, *(t.sha256 for t in record.tasks)]
    assert all(digest in text for digest in digests)
    for line in (*record.attacks, *record.references):
        assert line.attack in text
        assert f"{line.value.value:.3f}" in text
    assert "such intervals held 91.0" in text.replace("\u202f", "")
    assert "no source classes" in text
    assert "+0.33" in text
    assert "+0.41+0.36 to +0.46, 305 cases" in text
    assert "not measured" in text
    assert all(f"tag-{origin}" in render_audit(record) for origin in ("attacked", "proxy", "predicted"))


def test_an_edited_record_is_told_before_anything_else(make_audit, tampered, read_page):
    page = check(render_audit(tampered), read_page)
    [warning] = [each for each in page.where("p") if each.get("role") == "alert"]
    assert warning["class"] == "warning"
    html = render_audit(tampered)
    assert html.index('role="alert"') < html.index("<h1>")
    assert tampered.digest() in page.text
    assert 'role="alert"' not in render_audit(make_audit())


def test_a_quick_look_shows_predictions_and_judges_nothing(make_audit, read_page):
    page = check(render_audit(make_audit(quick=True)), read_page)
    assert "there is no transfer advantage to show" in page.text
    assert "Strongest attack, predicted" in page.text
    assert "The model is not judged" in page.text


def test_a_prediction_outside_the_calibrations_population_has_no_interval_and_says_so(make_audit, read_page):
    [known, *others] = make_audit(quick=True).predicted
    bare = known.figure.model_copy(update={"low": None, "high": None, "level": None})
    unlike = known.model_copy(update={"figure": bare, "coverage": None, "cases": 0, "outside": ("width 224 (16)",)})
    assert "no interval" not in render_audit(make_audit(quick=True))
    for quick in (True, False):
        text = check(render_audit(make_audit(quick=quick, predicted=(unlike, *others))), read_page).text
        assert "outside the calibration's population: no interval" in text
        assert "width 224 (16)" in text
    [said] = [
        each for each in (headline_of(make_audit, unlike), headline_of(make_audit, known)) if "no interval" in each
    ]
    assert "0.60 (outside the calibration's population: no interval) on glyphs" in said


def headline_of(make_audit, predicted):
    record = make_audit(quick=True)
    return headline(record.budget, (), (), (predicted,), (), (), ())


def test_weakened_attacks_are_told_apart(make_audit, read_page):
    left_out = (NotRun(attack="fine-tune", reason="attack weakened: evaluation mode is baked in"),)
    record = make_audit(not_run=left_out, weakened=("evaluation mode is baked in",))
    text = check(render_audit(record), read_page).text
    assert "Weakened, counted as not run: attack weakened: evaluation mode is baked in" in text
    assert "Attacks here are weaker than a thief's: evaluation mode is baked in." in text
    assert "Every attack of the list was run." in read_page(render_audit(make_audit(not_run=()))).text


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.4])
def test_no_page_promises(make_audit, shift, read_page):
    assert not re.search(r"\bsecure|\bsafe\b|guarantee", read_page(render_audit(make_audit(shift=shift))).text.lower())


def test_a_large_audit_stays_small_enough(make_audit, read_page):
    record = make_audit(targets=tuple(f"target {place}" for place in range(20)), seeds=(0, 1, 2))
    html = render_audit(record)
    check(html, read_page)
    assert len(html.encode()) < 1_500_000


@settings(max_examples=8)
@given(
    targets=st.lists(names, min_size=1, max_size=3, unique=True), name=names, source=names, reason=names,
    quick=st.booleans(), fractions=st.sampled_from([(1.0,), (0.001, 0.5)]), shift=st.sampled_from([-0.5, 0.0, 0.5]),
)  # fmt: skip
def test_any_record_gives_a_whole_page(make_audit, read_page, targets, name, source, reason, quick, fractions, shift):
    record = make_audit(
        targets=tuple(targets), name=name, source=source, quick=quick, fractions=fractions, shift=shift,
        not_run=(NotRun(attack="undo", reason=reason),),
    )  # fmt: skip
    text = check(render_audit(record), read_page).text
    for word in (*targets, name, source, reason):
        assert " ".join(visible(word).split()) in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium on the path")
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_it_without_complaint_or_sideways_scrolling(make_audit, read_page, tmp_path: Path, width: int):
    probe = (
        "<script>document.body.dataset.wide = "
        "document.documentElement.scrollWidth - document.documentElement.clientWidth;"
        "document.body.dataset.drawn = [...document.querySelectorAll('svg')]"
        ".filter(each => each.getBoundingClientRect().height > 20).length;"
        "document.body.dataset.verdict = document.querySelector('.missing').getBoundingClientRect().bottom;"
        "console.log('probe ran')</script></body>"
    )
    file = tmp_path / "page.html"
    file.write_text(render_audit(make_audit(targets=("glyphs", "presence"))).replace("</body>", probe), "utf-8")
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    flags += f"--disable-component-update --disable-sync --enable-logging=stderr --dump-dom --window-size={width},900"
    shown = subprocess.run(
        ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'user'}", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    body = next(attrs for tag, attrs in read_page(shown.stdout).tags if tag == "body")
    assert (body["data-wide"], body["data-drawn"]) == ("0", "9")
    assert width < 1280 or float(body["data-verdict"]) < 900
    said = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert len(said) == 1
    assert "probe ran" in said[0]
