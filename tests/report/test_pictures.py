"""Pictures put things where the numbers say, and name what they draw."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.report.page import option_rows, unit_shares
from archlock.report.pictures import Scale, round_step, tick_texts
from archlock.report.pictures_candidates import cost_picture, front_picture
from archlock.report.pictures_hardware import assignment_picture
from archlock.report.pictures_network import columns_of, network_picture, widest_of
from archlock.report.pictures_targets import short_names, targets_picture
from archlock.report.record import CandidatePoint
from archlock.spaces.registry import load_space

reals = st.floats(allow_nan=False, allow_infinity=False)


def point(name: str, source: float, transfer: float, **changes: object) -> CandidatePoint:
    usual = {"robust": 0.0, "latency_s": 1e-4, "energy_j": 1e-6, "admissible": True, "front": True}
    return CandidatePoint.model_validate({"id": name, "source": source, "transfer": transfer, **usual, **changes})


def parts(drawing: str, tag: str, style: str) -> list[dict[str, str]]:
    return [dict(each.attrib) for each in fromstring(drawing).iter(tag) if style in each.get("class", "").split()]


@given(values=st.lists(reals, min_size=1, max_size=20))
def test_a_scale_keeps_order_and_bounds(values):
    scale = Scale.over(values, 50.0, 450.0)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(50.0 <= place <= 450.0 for place in places)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 12
    assert all(math.isfinite(tick) for tick in ticks)


@given(rough=st.floats(1e-60, 1e60))
def test_steps_are_round_and_close(rough):
    step = round_step(rough)
    assert 0.99 * rough <= step <= 2.6 * rough
    assert f"{step:.0e}"[0] in "125"


def test_ticks_have_the_decimals_of_their_step():
    assert tick_texts((0.0, 0.2, 0.4)) == ("0.0", "0.2", "0.4")
    assert tick_texts((-1.0, 0.0, 1.0)) == ("−1", "0", "1")
    assert tick_texts((0.00, 0.05, 0.10)) == ("0.00", "0.05", "0.10")


def test_the_front_line_joins_only_what_no_other_beats():
    points = [point("a", 0.9, 1.0), point("b", 0.8, 0.0), point("beaten", 0.7, 0.5), point("c", 0.6, -1.0)]
    line = parts(front_picture(points), "path", "front-line")[0]["d"]
    assert (line.count("M"), line.count("V")) == (1, 2)


def test_the_safer_candidate_is_lower_and_the_better_one_further_right():
    drawing = front_picture([point("safe", 0.5, -2.0, role="locked"), point("good", 0.9, 2.0, role="twin")])
    (locked,), (twin,) = parts(drawing, "circle", "locked"), parts(drawing, "rect", "twin")
    assert float(locked["cy"]) > float(twin["y"])
    assert float(locked["cx"]) < float(twin["x"])


def test_coinciding_marks_leave_the_locked_model_on_top():
    both = [point("l", 0.5, 0.0, role="locked"), point("t", 0.5, 0.0, role="twin")]
    assert front_picture(both).index("mark twin") < front_picture(both).index("mark locked")


def test_budget_lines_are_drawn_only_where_set():
    points = [point("a", 0.9, 1.0), point("b", 0.8, 0.0, latency_s=3e-4)]
    assert parts(cost_picture(points, {}), "path", "budget") == []
    drawing = cost_picture(points, {"latency_s": 2e-4})
    assert len(parts(drawing, "path", "budget")) == 1
    assert "budget 200\u202fµs" in drawing


def test_each_layer_is_one_bar_and_heights_follow_latency(make_record):
    layers = make_record(depth=12).hardware.layers
    drawing = fromstring(assignment_picture(layers))
    bars = [[rect for rect in group if rect.tag == "rect"] for group in drawing.iter("g")]
    assert len(bars) == len(layers)
    heights = [float(bar.get("height")) for bar, _ in bars]
    longest = max(range(12), key=lambda index: layers[index].latency_s)
    assert heights[longest] == max(heights)
    assert [strip.get("class").split()[0] for _, strip in bars] == [f"unit-{layer.unit}" for layer in layers]


def test_unit_shares_sum_to_the_whole(make_record):
    hardware = make_record().hardware
    shares = unit_shares(hardware)
    assert sum(share.latency_s for share in shares) == pytest.approx(hardware.latency_s)
    assert sum(share.energy_j for share in shares) == pytest.approx(hardware.energy_j)
    assert sum(share.layers for share in shares) == len(hardware.layers)


def test_bars_are_as_long_as_their_metric(make_record):
    rows = make_record(targets=("glyphs",), fractions=(1.0,)).targets
    drawing = targets_picture(rows, rows)
    lengths = {rect["class"]: float(rect["width"]) for rect in parts(drawing, "rect", "bar")}
    assert len(lengths) == 5
    assert lengths["bar locked"] / lengths["bar public"] == pytest.approx(
        rows[0].locked_surgery / rows[0].public, rel=1e-2
    )


def test_a_bar_below_the_scale_is_cut_and_says_so(make_record):
    rows = make_record(targets=("darcy",), fractions=(1.0,), shift=-40.0).targets
    drawing = targets_picture(rows, rows)
    assert drawing.count("◂") == 5
    assert all(0 <= float(rect["x"]) <= 500 for rect in parts(drawing, "rect", "bar"))


def test_settings_of_a_target_are_left_out_only_where_names_still_differ():
    assert short_names(["a(n=1)", "b(n=1)", "b(n=2)", "(x)"]) == ("a", "b(n=1)", "b(n=2)", "(x)")


@given(seed=st.integers(0, 2**32 - 1))
def test_every_hybrid_network_is_drawn_with_all_its_stages(seed):
    import numpy as np

    space = load_space("hybrid")
    options = space.describe(space.sample(np.random.default_rng(seed)))
    columns = columns_of(options)
    full = [name for name, value in options.items() if name.endswith(".block") and value != "none"]
    assert [column.name for column in columns][:2] == ["Input", "Stem"]
    assert len(columns) == len(full) + 3
    for column, name in zip(columns[2:-1], full, strict=True):
        block = str(options[name])
        assert ("vit" in column.kinds) == ("ViT" in block)
        assert ("conv" in column.kinds) == ("MBConv" in block)
    drawing = network_picture(options, "it", widest_of(options))
    assert len(parts(drawing, "rect", "layer")) == sum(len(column.kinds) for column in columns)


def test_other_spaces_have_no_drawing():
    assert network_picture({"edge0": "conv3x3", "edge1": "none"}, "it", 1) is None
    assert network_picture({}, "it", 1) is None


def test_options_that_differ_are_told(make_record):
    record = make_record()
    differing = {row.name for row in option_rows(record.model("locked"), record.model("twin")) if row.differs}
    assert differing == {"stem.colour", "stem.stride", "stage1.skip", "stage2.block"}


def test_descriptions_name_what_is_drawn(make_record):
    record = make_record(count=30)
    admissible = sum(each.admissible for each in record.candidates)
    found = re.search(r'aria-label="([^"]*)"', front_picture(record.candidates))
    assert found
    assert f"30 candidates: {admissible} admissible" in found[1]
