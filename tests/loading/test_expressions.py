"""Formulas of sizes: integer arithmetic is let through, anything else is refused, nothing is evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.errors import ModelError
from archlock.loading.pt2.expressions import check_expression, check_guard

CALLS = ("Add", "Mul", "Max", "Mod", "FloorDiv")
EVILS = ("__import__('os')", "open('x')", "s0.__class__", "lambda: 0", "[s0]", "os", "s0 if s1 else 2")
NAMES = st.integers(0, 99).map(lambda number: f"s{number}")
ATOMS = st.one_of(
    NAMES,
    st.integers(0, 10**6).map(str),
    st.integers(-9, 9).map(lambda number: f"Integer({number})"),
    NAMES.map(lambda name: f"Symbol('{name}', positive=True, integer=True)"),
)
FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(CALLS), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("Pow({}, Integer(2))".format),
    ),
    max_leaves=12,
)  # fmt: skip


@given(FORMULAS)
def test_arithmetic_of_sizes_is_let_through(formula: str) -> None:
    check_expression(formula, "file")


@given(FORMULAS, st.sampled_from(EVILS))
def test_a_formula_with_anything_else_in_it_is_refused(formula: str, evil: str) -> None:
    for text in (f"{formula} + {evil}", f"Add({formula}, {evil})", f"{evil}"):
        with pytest.raises(ModelError, match="not integer arithmetic"):
            check_expression(text, "file")


@given(st.text(max_size=60))
def test_any_text_is_let_through_or_refused_and_never_fails(text: str) -> None:
    try:
        check_expression(text, "file")
    except ModelError:
        return
    assert not set(text) & set('[]{}.;:"@!\\`#$')


@pytest.mark.parametrize("tower", ["10**10**10", "2**99", "Pow(Integer(10), Integer(99))", "Pow(s0, s1)"])
def test_towers_of_powers_are_refused(tower: str) -> None:
    with pytest.raises(ModelError, match="power"):
        check_expression(tower, "file")


SIZES = st.sampled_from(["L['x'].size()[2]", "L['x'].size()[3]", "L['args'][0].stride()[1]"])
COMPARISONS = st.tuples(SIZES, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.one_of(SIZES, st.just("8")))


@given(st.lists(COMPARISONS.map("({0[0]} // 2) {0[1]} max(1, {0[2]})".format), min_size=1, max_size=3))
def test_comparisons_of_input_sizes_are_let_through(guards: list[str]) -> None:
    check_guard(" and ".join(f"not ({guard})" for guard in guards), "file")


@given(COMPARISONS.map(" ".join), st.sampled_from((*EVILS, "L", "L['x']", "L['x'].shape[0]", "L['x'].size()")))
def test_a_guard_that_does_anything_else_is_refused(guard: str, evil: str) -> None:
    for text in (f"{guard} and {evil}", f"max({evil}, 1) == 1", f"{evil} != {guard}", evil):
        with pytest.raises(ModelError, match="not integer arithmetic"):
            check_guard(text, "file")
