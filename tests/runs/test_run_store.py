"""One contract for every place that remembers a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlock.errors import RunFailedError, RunFolderError
from archlock.runs import InMemoryRun, Json, Key, RunFolder, RunStore
from archlock.runs.records import decode_key, encode_key

KEYS = st.text() | st.lists(st.text() | st.integers(), min_size=1, max_size=4).map(tuple)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BAD_NAMES = ("", "/etc/x", "../x", "a/../../x", "a//b", ".hidden", "a/.b", "a\\b", "a\n", "a\0b", "ü", "x" * 200, "a/")


@dataclass(frozen=True)
class Measured:
    accuracy: float
    genotype: tuple[int, ...]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    if request.param == "memory":
        yield InMemoryRun()
        return
    with RunFolder.create(tmp_path / "run", "{}", versions={}) as run:
        yield run


@pytest.fixture(params=["folder", "memory"], scope="module")
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    if request.param == "memory":
        yield InMemoryRun()
        return
    with RunFolder.create(tmp_path_factory.mktemp("shared"), "{}", versions={}) as run:
        yield run


def test_is_a_store(store: RunStore) -> None:
    assert isinstance(store, RunStore)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, result=JSON.filter(lambda value: value is not None))
def test_a_result_comes_back_with_every_bit(shared_store: RunStore, key: Key, result: Json) -> None:
    found = shared_store.get(key)
    if found is None:
        shared_store.put(key, "stage", result)
        found, expected = shared_store.get(key), result
        assert repr(found) == repr(expected)
    else:
        with pytest.raises(RunFailedError, match="finished already"):
            shared_store.put(key, "stage", result)
        assert shared_store.get(key) == found


@settings(deadline=None)
@given(KEYS, KEYS)
def test_keys_are_told_apart_and_come_back(first: Key, second: Key) -> None:
    assert decode_key(encode_key(first)) == first
    assert (encode_key(first) == encode_key(second)) == (first == second)


@pytest.mark.parametrize("key", [(), ("a", 1.5), (True,), 3.5, ("a", None), (("a",),)])
def test_other_keys_are_refused(store: RunStore, key: Key) -> None:
    with pytest.raises(ValueError, match="tuple of words and whole numbers"):
        store.put(key, "stage", 1)


@pytest.mark.parametrize("result", [math.nan, {"loss": math.inf}, [1, -math.inf], None, object(), {1, 2}, {(1, 2): 3}])
def test_what_is_not_plain_json_is_refused_and_nothing_is_kept(store: RunStore, result: object) -> None:
    with pytest.raises(RunFailedError, match=r'unit "odd": '):
        store.put("odd", "stage", result)
    assert store.get("odd") is None


def test_a_dataclass_is_the_dict_of_its_fields(store: RunStore) -> None:
    store.put("one", "label", Measured(0.1 + 0.2, (0, 3)))
    assert store.get("one") == {"accuracy": 0.30000000000000004, "genotype": [0, 3]}


def test_a_result_is_a_copy(store: RunStore) -> None:
    result = {"losses": [1.0]}
    store.put("one", "label", result)
    result["losses"].append(2.0)
    assert store.get("one") == {"losses": [1.0]}


def test_units_are_listed_by_stage_in_order(store: RunStore) -> None:
    for index, stage in enumerate(["label", "attack", "label"]):
        store.put(("unit", index), stage, index, seconds=index / 3)
    assert store.counts() == {"label": 2, "attack": 1}
    assert [unit.key for unit in store.units()] == [("unit", 0), ("unit", 1), ("unit", 2)]
    labels = list(store.units("label"))
    assert [(unit.result, unit.seconds, unit.stage) for unit in labels] == [(0, 0.0, "label"), (2, 2 / 3, "label")]
    assert list(store.units("nothing")) == []


def test_units_may_be_put_while_others_are_listed(store: RunStore) -> None:
    store.put(("unit", 0), "label", 0)
    for unit in store.units():
        store.put((*unit.key, "again"), "label", 1)
    assert store.counts() == {"label": 2}


def test_events_are_kept_in_order(store: RunStore) -> None:
    store.event("started", {"workers": 2})
    store.event("resumed")
    store.event("started", [0.1])
    assert [(event.number, event.body) for event in store.events("started")] == [(1, {"workers": 2}), (3, [0.1])]
    assert [event.kind for event in store.events()] == ["started", "resumed", "started"]
    with pytest.raises(RunFailedError, match="event bad"):
        store.event("bad", math.nan)


def test_weights_come_back_and_share_no_memory(store: RunStore) -> None:
    tied = torch.arange(6.0).reshape(2, 3)
    weights = {
        "a": tied,
        "tied": tied,
        "turned": tied.T,
        "half": torch.tensor([1.5, -0.0], dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "learned": torch.nn.Parameter(torch.ones(2)),
    }
    store.save_weights("finalists/3", weights)
    tied.zero_()
    loaded = store.load_weights("finalists/3")
    assert loaded.keys() == weights.keys()
    assert loaded["a"].tolist() == loaded["tied"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loaded["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert loaded["half"].dtype is torch.bfloat16
    assert (loaded["count"].item(), loaded["empty"].shape) == (7, (0, 3))
    loaded["a"].zero_()
    assert store.load_weights("finalists/3")["a"].sum() == 15
    store.save_weights("finalists/3", {"b": torch.ones(1)})
    assert list(store.load_weights("finalists/3")) == ["b"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_cannot_leave_the_run(store: RunStore, name: str) -> None:
    with pytest.raises(RunFolderError, match="not a file name"):
        store.save_weights(name, {"a": torch.ones(1)})
    with pytest.raises(RunFolderError, match="not a file name"):
        store.load_weights(name)


def test_weights_that_are_not_there(store: RunStore) -> None:
    with pytest.raises(RunFolderError, match="no weights"):
        store.load_weights("finalists/9")
