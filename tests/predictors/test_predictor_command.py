import json

import pytest
from click.testing import CliRunner

from archlock.cli.predictor import command
from archlock.errors import UsageError
from archlock.predictors import load_relation


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def test_train_then_evaluate_on_real_labels(tmp_path):
    out = tmp_path / "predictor"
    task = ["--task", "digits", "--task", "textures"]
    trained = run("train", *task, "--labels", "6", "--steps", "2", "--out", str(out), "--json")
    facts = json.loads(trained.stdout)
    assert [entry["stage"] for entry in facts["labels"]].count("micro-training") == 12
    assert load_relation(out / "predictor.safetensors").embeddings.shape[0] == 2
    rows = json.loads(run("evaluate", str(out), "--folds", "2", "--json").stdout)
    assert 0 <= rows["held-out architectures"]["model"]["pair_accuracy"] <= 1
    assert rows["held-out tasks"]["vote"] == {"none": "no votes on the held-out architectures"}
    assert "kendall_tau" in run("evaluate", str(out), "--folds", "2").stdout
    with pytest.raises(UsageError, match="not an empty folder"):
        run("train", *task, "--out", str(out))


def test_evaluating_what_is_not_there_says_so(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        run("evaluate", str(tmp_path))
