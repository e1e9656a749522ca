"""What lies outside a population is said with its figure and the population's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archlock.auditing.prediction.ranges import outside, ranges_of

rows = st.lists(st.fixed_dictionaries({"parameters": st.floats(0, 1e9), "source": st.floats(0, 1)}), min_size=1)


@given(rows)
def test_every_member_lies_inside_its_population(members: list[dict[str, float]]) -> None:
    ranges = ranges_of(members)
    assert all(outside(ranges, member) == () for member in members)


@given(rows)
def test_beyond_the_greatest_lies_outside(members: list[dict[str, float]]) -> None:
    ranges = ranges_of(members)
    [why] = outside(ranges, {"parameters": 2e9, "source": members[0]["source"]})
    assert why.startswith("parameters 2,000,000,000 (")


def test_words_name_the_figure_and_the_population() -> None:
    ranges = {"parameters": (516.0, 338_460.0), "width": (16.0, 16.0), "chance": (0.1, 0.25)}
    told = outside(ranges, {"parameters": 11_200_000, "width": 224, "chance": 0.5})
    assert told == ("parameters 11,200,000 (516 to 338,460)", "width 224 (16)", "chance 0.5 (0.1 to 0.25)")


def test_what_is_not_known_lies_outside_and_members_may_lack_it() -> None:
    assert outside({"source": (0.0, 1.0)}, {"source": None}) == ("source not known",)
    assert outside({"source": (0.0, 1.0)}, {}) == ("source not known",)
    assert ranges_of([{"source": None}, {"source": 0.5}]) == {"source": (0.5, 0.5)}
