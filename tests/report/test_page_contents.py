"""The page shows all that the record holds, and nothing can be shown that a record may not claim."""

from __future__ import annotations

import re
from html import unescape

import pytest
from pydantic import ValidationError

from archlock.report.page import render_page
from archlock.scores import Origin


def text_of(page: str) -> str:
    """Visible text: without style, tags and attributes, white space joined."""
    bare = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", bare)).split())


@pytest.fixture(scope="module")
def shown(make_record) -> str:
    return text_of(render_page(make_record()))


def test_the_headline_stands_on_the_page_as_it_is(shown, fields):
    assert " ".join(fields()["headline"].split()) in shown


def test_every_target_attack_and_baseline_appears(shown, make_record):
    record = make_record()
    for name in [row.target for row in record.targets] + [attack.attack for attack in record.attacks]:
        assert name in shown
    assert shown.count("surgery:skip") >= 2 * len(record.targets)
    assert "needs every label of every target" in shown


def test_a_claim_without_its_attack_is_no_record(fields):
    claim = fields()
    claim["attacks"] = [each for each in claim["attacks"] if (each["role"], each["target"]) != ("locked", "darcy")]
    from archlock.report.record import RunRecord

    with pytest.raises(ValidationError, match="claim about darcy without an attack on locked"):
        RunRecord.model_validate(claim)


def test_every_source_class_is_explained(shown):
    assert all(origin.value in shown for origin in Origin)
