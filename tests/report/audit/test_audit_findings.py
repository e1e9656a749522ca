"""What every view takes from a record: recoveries, means over seeds, and sentences that promise nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.auditing.advantage import advantages, summarise
from archlock.auditing.record import AttackLine, AuditRecord, NotRun
from archlock.auditing.verdict import headline
from archlock.figures import Figure
from archlock.report.audit_findings import (
    headline_rows,
    is_weakened,
    mean_over_seeds,
    metric_of,
    not_run_on,
    prices_of,
    source_of,
    surgeries_on,
)
from archlock.report.audit_page import render_audit
from archlock.report.audit_rules import findings
from archlock.report.audit_text import (
    advantage_sentence,
    count_text,
    digest_or_none,
    meanings,
    moment,
    not_run_sentence,
    recovery_sentence,
    visible,
)
from archlock.scores import Origin

from .conftest import audit_record

shares = st.floats(0.0, 1.0)


def attacked(released: float, edited: float | None, reference: float = 0.8) -> AuditRecord:
    """A record of one target, attacked as released and by one surgery, beside one reference."""
    reached = {"fine-tune": released} | ({} if edited is None else {"surgery:stem": edited})
    attacks, public = ([line_of(name, value) for name, value in found.items()]
                       for found in (reached, {"scratch:resnet8": reference}))  # fmt: skip
    rows = advantages(attacks, public, {"glyphs": 1_000})
    return audit_record(targets=("glyphs",), fractions=(1.0,), attacks=tuple(attacks), references=tuple(public),
                        advantages=rows, summaries=summarise(rows), not_run=())  # fmt: skip


def line_of(name: str, value: float) -> AttackLine:
    return AttackLine(
        attack=name, target="glyphs", fraction=1.0, seed=0, samples=600, learning_rate=0.01, validation=value,
        value=Figure(value=value, origin=Origin.ATTACKED), macs=1e9, trainings=1, steps=80,
    )  # fmt: skip


@given(released=shares, edited=st.none() | shares, reference=shares)
def test_every_view_and_the_headline_agree_on_what_undoes_a_lock(released, edited, reference):
    record = attacked(released, edited, reference)
    said = headline(record.budget, record.advantages, record.summaries, (), (), record.attacks, ())
    views = {
        "headline": "undoes the lock on glyphs" in said,
        "finding": any(each.rule == "archlock/surgery-undoes-lock" for each in findings(record)),
        "meaning": any("is no lock" in each for each in meanings(record)),
        "page": "undoes the lock" in render_audit(record.model_copy(update={"headline": ""})),
    }
    assert len(set(views.values())) == 1, views
    if views["headline"]:
        assert "not broken" not in said.lower()


def test_a_recovery_is_a_share_of_what_was_lacking():
    def said(released: float, edited: float | None) -> str:
        [found] = surgeries_on(attacked(released, edited))
        return recovery_sentence(found)

    assert "recovers 75% of the gap" in said(0.4, 0.7)
    assert "already reached the reference" in said(0.8, 0.9)
    assert "no surgery was stronger" in said(0.4, 0.3)
    assert "no surgery was run" in said(0.4, None)


def test_the_headline_takes_each_targets_row_with_the_most_data(make_audit):
    record = make_audit(fractions=(0.25, 1.0, 0.5))
    rows = headline_rows(record)
    assert [each.target for each in rows] == list(record.target_titles)
    assert {each.fraction for each in rows} == {1.0}


def test_seeds_are_averaged_and_one_seed_keeps_its_interval(make_audit):
    record = make_audit(seeds=(0, 1, 2), targets=("glyphs",), fractions=(1.0,))
    for mean in mean_over_seeds(record.attacks):
        own = [line for line in record.attacks if line.attack == mean.attack]
        assert mean.seeds == len(own) == 3
        assert mean.value.value == pytest.approx(sum(line.value.value for line in own) / 3)
        assert min(line.value.value for line in own) <= mean.value.low <= mean.value.high
        assert mean.trainings == sum(line.trainings for line in own)
    single = make_audit(targets=("glyphs",), fractions=(1.0,))
    assert [mean.value for mean in mean_over_seeds(single.attacks)] == [line.value for line in single.attacks]


def test_released_attacks_are_told_from_others(make_audit):
    kinds = {mean.attack: mean.is_as_released for mean in mean_over_seeds(make_audit().attacks)}
    assert kinds == {
        "linear-probe": True, "fine-tune": True, "distil": False, "surgery:stem": False, "surgery:skip": False,
    }  # fmt: skip


def test_what_a_record_lacks_is_empty_rather_than_an_error(make_audit):
    record = make_audit(quick=True)
    assert (headline_rows(record), prices_of(record, "glyphs")) == ((), ())
    assert metric_of(record, "nowhere") == ""
    assert source_of(record.model_copy(update={"tasks": ()})) == ""


def test_attacks_not_run_hold_for_all_targets_or_for_one(make_audit):
    everywhere = NotRun(attack="undo", reason="no data")
    here = NotRun(attack="norms", reason="attack weakened: statistics are baked in", target="glyphs")
    record = make_audit(not_run=(everywhere, here))
    assert not_run_on(record, "glyphs") == (everywhere, here)
    assert not_run_on(record, "presence") == (everywhere,)
    assert (is_weakened(everywhere), is_weakened(here)) == (False, True)
    assert not_run_sentence(here) == (
        "The attack norms counts as not run on glyphs: attack weakened: statistics are baked in."
    )


@pytest.mark.parametrize(("shift", "said"), [(0.4, "helps on"), (-0.1, "cannot be ruled out"), (-0.4, "lies below")])
def test_the_judgement_follows_the_advantage(make_audit, shift, said):
    record = make_audit(shift=shift)
    if said == "cannot be ruled out":
        rows = [r.model_copy(update={"advantage": Figure(value=-0.01, origin=Origin.ATTACKED, low=-0.1, high=0.1)})
                for r in record.advantages]  # fmt: skip
        record = record.model_copy(update={"advantages": tuple(rows)})
    assert said in meanings(record)[0]
    assert not any("secure" in each for each in meanings(record))
    assert any("by the attacks that were run" in each for each in meanings(record))


def test_a_headline_sentence_names_attack_reference_and_interval(make_audit):
    one = make_audit().advantages[0]
    said = advantage_sentence(one)
    assert all(word in said for word in (one.target, one.attack, one.reference, "90% interval"))
    assert f"{100 * one.advantage.value:+.1f} points" in said


@given(text=st.text(max_size=40))
def test_hidden_characters_are_written_out_and_others_kept(text):
    found = visible(text)
    assert visible(found) == found
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", found)
    assert all(each in found for each in text if each.isalnum())


def test_words_of_all_scripts_stay_as_they_are():
    text = "日本語 العربية 😀 é\tline\nnext"
    assert visible(text) == text
    assert visible("a\u202eb\x00") == "a\\u202eb\\u0000"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.9, "1 k"),
        (1234, "1.23 k"),
        (7.2e10, "72 G"),
        (3e18, "3 E"),
        (1e30, "1.00e+30"),
    ],
)
def test_counts_have_three_digits_and_a_prefix(value, text):
    assert count_text(value).replace("\u202f", " ") == text


def test_a_moment_is_written_in_utc_or_not_at_all(make_audit):
    assert moment(make_audit(created_at="2026-03-02T12:11:12+02:00")) == "2026-03-02T10:11:12Z"
    for junk in ("yesterday", "2026-03-02T12:11:12", "0001-01-01T00:00:00+14:00", ""):
        assert moment(make_audit(created_at=junk)) is None


def test_only_a_digest_is_a_digest():
    assert digest_or_none("0" * 64) == "0" * 64
    assert digest_or_none("0" * 64 + "\n") is None
    assert digest_or_none("") is None
