import numpy as np
import pytest
from safetensors.numpy import save_file

from archlock.errors import UsageError
from archlock.predictors import (
    RelationModel,
    TaskEvidence,
    load_evidence,
    load_relation,
    save_evidence,
    save_relation,
)

FEATURES = np.random.default_rng(0).standard_normal((30, 6))


def test_a_loaded_model_scores_to_the_last_bit(tmp_path):
    evidence = [TaskEvidence(np.ones(3), np.arange(20), FEATURES[:20, 0], k) for k in ("label", "vote")]
    model = RelationModel.fit(FEATURES, evidence)
    save_relation(model, tmp_path / "model.safetensors")
    loaded = load_relation(tmp_path / "model.safetensors")
    for before, after in zip(model.score(FEATURES, np.ones(3)), loaded.score(FEATURES, np.ones(3)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_files_that_are_no_model_are_refused_in_one_line(tmp_path):
    (tmp_path / "text").write_text("not a model")
    save_file({"x": np.ones(2)}, tmp_path / "other")
    save_file({"x": np.ones(2)}, tmp_path / "short", metadata={"format": "archlock-relation-1", "model": "{}"})
    for name, message in (
        ("none", "no such file"),
        ("text", "damaged"),
        ("other", "not a relation"),
        ("short", "dama"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            load_relation(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_an_unwritable_place_is_refused(tmp_path):
    model = RelationModel.fit(FEATURES, [TaskEvidence(np.ones(3), np.arange(20), FEATURES[:20, 0], "label")])
    with pytest.raises(UsageError, match="cannot be written"):
        save_relation(model, tmp_path / "missing" / "model.safetensors")


def test_evidence_comes_back_as_it_was(tmp_path):
    given = [TaskEvidence(np.ones(3), np.arange(5), FEATURES[:5, 0], kind, 2.0) for kind in ("label", "vote")]
    save_evidence(FEATURES, given, tmp_path / "evidence")
    features, found = load_evidence(tmp_path / "evidence")
    np.testing.assert_array_equal(features, FEATURES)
    for before, after in zip(given, found, strict=True):
        assert (before.kind, before.weight) == (after.kind, after.weight)
        np.testing.assert_array_equal(before.indices, after.indices)
        np.testing.assert_array_equal(before.values, after.values)
    with pytest.raises(UsageError, match="not a relation model"):
        load_relation(tmp_path / "evidence")
