"""A record as a search leaves it, in any size and with any names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.report.record import RunRecord
from archlock.scores import Origin

sys.path.append(str(Path(__file__).parent))  # under importlib mode the reader of pages has no path

Numbers = np.random.Generator
RecordMaker = Callable[..., RunRecord]
TARGETS = ("glyphs", "presence", "darcy", "rhythms", "photo-patches")
FRACTIONS = (0.1, 1.0)
ATTACKS = ("linear-probe", "fine-tune", "surgery:stem", "surgery:resolution", "surgery:tokens", "surgery:skip")
OPTIONS: dict[str, Any] = {
    "resolution": 0.75, "stem.colour": "luminance", "stem.kernel": 3, "stem.stride": 2, "stem.width": 16,
    "norm": "batch", "downsample": "average", "pooling": "average",
    "stage0.block": "MBConv", "stage0.width": 16, "stage0.stride": 1, "stage0.skip": True, "stage0.kernel": 3,
    "stage0.expansion": 2, "stage0.depth": 2,
    "stage1.block": "MBConv+ViT", "stage1.width": 32, "stage1.stride": 2, "stage1.skip": False, "stage1.kernel": 5,
    "stage1.expansion": 4, "stage1.depth": 1, "stage1.vit_depth": 2, "stage1.heads": 2, "stage1.token_stride": 2,
    "stage1.mlp_ratio": 2,
    "stage2.block": "none",
    "stage3.block": "ViT", "stage3.width": 48, "stage3.stride": 1, "stage3.skip": True, "stage3.vit_depth": 1,
    "stage3.heads": 4, "stage3.token_stride": 1, "stage3.mlp_ratio": 1,
}  # fmt: skip
TWIN_OPTIONS = OPTIONS | {"stem.colour": "colour", "stem.stride": 1, "stage1.skip": True, "stage2.block": "MBConv"}


def figure(value: float, origin: Origin, unit: str = "", half: float = 0.0) -> dict[str, Any]:
    interval = {"low": value - half, "high": value + half, "level": 0.95} if half else {}
    return {"value": value, "origin": origin, "unit": unit, **interval}


def model(role: str, index: int, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "role": role, "id": f"{index:012x}", "genotype": "-".join("0123" * 12), "options": options,
        "parameters": 48_211 + 900 * index, "macs": 3_120_448 + 70_000 * index,
        "latency_s": figure(3.1e-4 + 1e-5 * index, Origin.MODELLED, "s"),
        "energy_j": figure(4.4e-5 + 1e-6 * index, Origin.MODELLED, "J"),
        "source_validation": figure(0.975, Origin.TRAINED), "source_test": figure(0.968, Origin.TRAINED, half=0.012),
        "predicted_source": figure(0.931, Origin.MICRO_TRAINED if index == 1 else Origin.PREDICTED),
        "predicted_transfer": figure(-0.72 + 0.2 * index, Origin.PREDICTED),
        "predicted_robust": figure(-0.41 + 0.2 * index, Origin.PREDICTED),
    }  # fmt: skip


def layers(rng: Numbers, count: int) -> list[dict[str, Any]]:
    units = rng.choice(["npu", "cim", "vector", "link"], size=count, p=[0.35, 0.25, 0.3, 0.1])
    times = rng.lognormal(-12, 1.2, size=(count, 2))
    return [
        {"name": f"body.{i}.conv", "kind": "transfer" if units[i] == "link" else "conv", "unit": str(units[i]),
         "latency_s": float(times[i, 0]), "energy_j": float(times[i, 1] / 9), "utilisation": float(rng.random()),
         "bound": "dram" if i % 3 else "compute"}
        for i in range(count)
    ]  # fmt: skip


def hardware(rng: Numbers, count: int, budgets: dict[str, float]) -> dict[str, Any]:
    rows = layers(rng, count)
    energy = sum(row["energy_j"] for row in rows)
    causes = ("mac", "sram", "dram", "vector", "cim weight write", "adc", "dac", "link", "leakage")
    shares = rng.dirichlet(np.ones(len(causes)))
    return {
        "profile": "edge-npu-cim", "execution": "sequential", "latency_s": sum(row["latency_s"] for row in rows),
        "energy_j": energy, "layers": rows, "budgets": budgets,
        "energy_by_cause_j": {cause: float(share * energy) for cause, share in zip(causes, shares, strict=True)},
    }  # fmt: skip


def attacks(rng: Numbers, targets: tuple[str, ...], fractions: tuple[float, ...], shift: float) -> list[dict[str, Any]]:
    means = {"locked": 0.55, "twin": 0.72, "public": 0.66}
    return [
        {"role": role, "attack": name, "target": target, "fraction": fraction, "samples": int(900 * fraction),
         "learning_rate": 3e-3, "trials": 3,
         "value": figure(float(means[role] + shift + 0.06 * rng.standard_normal() + 0.1 * fraction), Origin.ATTACKED)}
        for target in targets
        for fraction in fractions
        for role in means
        for name in (("from scratch: mobilenet-tiny", "from scratch: vit-tiny") if role == "public" else ATTACKS)
    ]  # fmt: skip


def strongest(done: list[dict[str, Any]], role: str, target: str, fraction: float, surgery: bool) -> tuple[float, str]:
    found = [
        (each["value"]["value"], each["attack"])
        for each in done
        if (each["role"], each["target"], each["fraction"]) == (role, target, fraction)
        and (surgery or not each["attack"].startswith("surgery:"))
    ]
    return max(found)


def target_row(done: list[dict[str, Any]], target: str, fraction: float) -> dict[str, Any]:
    public, public_name = strongest(done, "public", target, fraction, True)
    metric = "R2" if target == "darcy" else "accuracy"
    row: dict[str, Any] = {"target": target, "metric": metric, "fraction": fraction, "test_samples": 180}
    for role in ("locked", "twin"):
        released, _ = strongest(done, role, target, fraction, False)
        edited, attack = strongest(done, role, target, fraction, True)
        row |= {f"{role}_released": released, f"{role}_surgery": edited, f"{role}_attack": attack}
        row |= {f"{role}_advantage": edited - public}
    fall = 1 - row["locked_released"] / row["twin_released"]
    return row | {"public": public, "public_name": public_name, "relative_fall": fall}


def summary(rows: list[dict[str, Any]], fraction: float) -> dict[str, Any]:
    kept = [row for row in rows if row["fraction"] == fraction]
    means = {
        name: figure(float(np.mean([row[name] for row in kept])), Origin.ATTACKED, half=0.043)
        for name in ("relative_fall", "locked_advantage", "twin_advantage")
    }
    return {"fraction": fraction, "targets": len(kept), "noise_floor": 0.023, **means}


def candidates(rng: Numbers, count: int) -> list[dict[str, Any]]:
    sources = 0.95 - np.abs(0.08 * rng.standard_normal(count))
    transfers = 3 * (sources - 0.9) + 0.5 * rng.standard_normal(count)
    front = [not np.any((sources > s) & (transfers < t)) for s, t in zip(sources, transfers, strict=True)]
    order = np.argsort(transfers - 6 * sources)
    roles = {int(order[0]): "locked", int(np.argmax(sources)): "twin", int(order[-1]): "random admissible"}
    return [
        {"id": f"{i:012x}", "source": float(sources[i]), "transfer": float(transfers[i]), "robust": float(transfers[i]),
         "latency_s": float(3e-4 * np.exp(0.4 * rng.standard_normal())),
         "energy_j": float(5e-5 * np.exp(0.4 * rng.standard_normal())), "admissible": bool(sources[i] > 0.88),
         "front": bool(front[i]), "role": roles.get(i)}
        for i in range(count)
    ]  # fmt: skip


def record_fields(
    seed: int = 0,
    targets: tuple[str, ...] = TARGETS,
    fractions: tuple[float, ...] = FRACTIONS,
    shift: float = 0.0,
    count: int = 240,
    depth: int = 74,
    options: dict[str, Any] | None = None,
    name: str = "digits",
    budgets: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Fields of a record; numbers from a seed, the size and the names as asked."""
    rng = np.random.default_rng(seed)
    done = attacks(rng, targets, fractions, shift)
    rows = [target_row(done, target, fraction) for target in targets for fraction in fractions]
    headline = (
        f"On {len(targets)} held-out targets the strongest of {len(ATTACKS)} attacks (3 learning rates, 12 epochs) "
        "ended 19.4 % below the same attack on the twin before surgery, and with surgery 0.021 below a public network "
        "trained from scratch: not broken by the attacks that were run; distillation was not run."
    )
    return {
        "headline": headline, "created_at": "2026-03-02T10:11:12Z", "seed": seed,
        "settings": {"seed": seed, "space": "hybrid", "source": {"task": name, "tolerance": 0.01}},
        "settings_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "versions": {"archlock": "0.1.0", "python": "3.11.9", "torch": "2.13.0"}, "source_task": name,
        "source_metric": "accuracy", "source_tolerance": 0.01, "within_tolerance": True, "twin_matched": True,
        "models": [model("locked", 0, OPTIONS if options is None else options),
                   model("twin", 1, TWIN_OPTIONS if options is None else options),
                   model("source-only winner", 2, TWIN_OPTIONS), model("random admissible", 3, OPTIONS)],
        "hardware": hardware(rng, depth, {"latency_s": 5e-4, "energy_j": 8e-5} if budgets is None else budgets),
        "summaries": [summary(rows, fraction) for fraction in fractions], "targets": rows, "attacks": done,
        "attacks_not_run": ["distillation", "adapters"],
        "baselines": [
            {"name": "random admissible", "origin": Origin.ATTACKED, "source_test": 0.951, "released": 0.69,
             "relative_to_twin": 0.02},
            {"name": "proxy vote", "origin": Origin.PROXY, "source_test": 0.948, "released": 0.7,
             "relative_to_twin": 0.01},
            {"name": "oracle", "origin": None, "source_test": None, "released": None, "relative_to_twin": None,
             "note": "needs every label of every target; only tables have them"}],
        "candidates": candidates(rng, count), "simulated": {"textures": 0.53, "shapes": 0.27, "colours": 0.2},
        "simulated_cosine": 0.9,
        "predictor": [{"split": "architectures", "pair_accuracy": 0.741, "kendall_tau": 0.48,
                       "calibration_error": 0.06, "pairs": 1770, "baseline_pair_accuracy": 0.66},
                      {"split": "tasks", "pair_accuracy": 0.68, "kendall_tau": 0.36, "calibration_error": 0.11,
                       "pairs": 1770}],
        "ledger": [{"task": name, "stage": "micro-training", "readings": 60, "labels": 43_080, "subjects": 60},
                   *({"task": target, "stage": "held-out attack", "readings": 38, "labels": 9_000, "subjects": 38}
                     for target in targets)],
        "notes": ["One test split of digits cannot resolve one point of accuracy.",
                  "Only architectures of the space hybrid were searched."],
    }  # fmt: skip


@pytest.fixture(scope="session")
def fields() -> Callable[..., dict[str, Any]]:
    return record_fields


@pytest.fixture(scope="session")
def make_record() -> RecordMaker:
    return lambda **changes: RunRecord.model_validate(record_fields(**changes))
