"""``archlock hw`` with what a new user may get wrong: one clear line on stderr, nothing on stdout, the right code."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from archlock.cli.main import run

NETS = """
import torch
from torch import nn

class Spectrum(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return torch.fft.fft2(self.conv(x)).abs()

class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 3)
    def forward(self, x):
        inner = self.first(x)
        return {"inner": inner, "outer": self.second(inner)}

class Gate(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

def gate(): return nn.Sequential(nn.Conv2d(3, 4, 3), Gate())
def conv(): return nn.Conv2d(3, 4, 3)
def spectrum(): return Spectrum()
def body(): return Body()
def plain(): return nn.Softmax(dim=1)
def identity(): return nn.Identity()
def number(): return 3
def needs(size): return nn.Conv2d(3, size, 3)
def broken(): raise ValueError("no such width")
"""


def profile(name: str) -> str:
    return (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()


def changed(name: str, key: str, value: str) -> str:
    text, count = re.subn(rf"(\n  {key}: \{{value: )[^,]+", rf"\g<1>{value}", profile(name), count=1)
    assert count == 1
    return text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder with networks of their own and profiles that are wrong."""
    (tmp_path / "my_wrong_nets.py").write_text(NETS)
    texts = {
        "zero": changed("npu-edge", "dram_bandwidth", "0"),
        "nan": changed("npu-edge", "dram_bandwidth", ".nan"),
        "rows": changed("npu-edge", "rows", "1e20"),
        "huge": changed("cim-dsram-22", "macros", "1e18"),
        "clock": changed("npu-edge", "clock", "1e300"),
        "words": changed("npu-edge", "dram_bandwidth", "fast"),
        "small": changed("cim-dsram-22", "cell_columns", "4"),
        "none": changed("cim-dsram-22", "macros", "0"),
        "typo": profile("npu-edge").replace("dram_bandwidth", "dram_bandwith"),
        "twice": profile("npu-edge") + "note: again\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "weights.safetensors").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONV = ["my_wrong_nets:conv", "--input", "3x16x16"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["estimate", *CONV, "--hardware", "zero.yaml"],
            2,
            "zero.yaml:29: memories.dram_bandwidth.value: must be from 1e-09 to 1e+06 GB/s, not 0",
        ),
        (["estimate", *CONV, "--hardware", "nan.yaml"], 2, "expected a finite number"),
        (
            ["estimate", *CONV, "--hardware", "rows.yaml"],
            2,
            "rows.yaml:4: npu.rows.value: must be from 1 to 1e+06 count, not 1e+20",
        ),
        (
            ["compare", *CONV, "--hardware", "huge.yaml"],
            2,
            "cim.macros.value: must be from 1 to 65536 count, not 1e+18",
        ),
        (["codesign", *CONV, "--hardware", "clock.yaml"], 2, "npu.clock.value: must be from 1e-09 to 1000 GHz"),
        (["codesign", *CONV, "--sweep", "macros=999999999999"], 2, "is not a whole number above 0 and at most 65,536"),
        (["codesign", *CONV, "--sweep", "array=8x9999999"], 2, "such as 16x32, each at most 1,000,000"),
        (["estimate", *CONV, "--hardware", "words.yaml"], 2, 'expected a number, not "fast"'),
        (["estimate", *CONV, "--hardware", "small.yaml"], 2, "a macro smaller than one weight"),
        (["estimate", *CONV, "--hardware", "none.yaml"], 2, "cim.macros.value: must be from 1 to 65536 count"),
        (["estimate", *CONV, "--hardware", "typo.yaml"], 2, "Did you mean 'dram_bandwidth'"),
        (["estimate", *CONV, "--hardware", "twice.yaml"], 2, "note: given twice"),
        (["estimate", *CONV, "--hardware", "nowhere.yaml"], 2, "nowhere.yaml: no such file"),
        (["compare", *CONV, "--hardware", "npu-edge", "--hardware", "zero.yaml"], 2, "zero.yaml:29"),
        (["compare", *CONV, "--hardware", "npu-edge", "--html", "nowhere/page.html"], 2, "cannot be written"),
        (["compare", *CONV], 2, "Missing option '--hardware'"),
        (["estimate", "my_wrong_nets:conv"], 2, "give --input"),
        (
            ["estimate", "my_wrong_nets:conv", "--input", "4x16x16"],
            4,
            "expected input[1, 4, 16, 16] to have 3 channels",
        ),
        (["estimate", "my_wrong_nets:conv", "--input", f"3x{10**20}x16"], 2, "no size may be above 65,536"),
        (["estimate", "my_wrong_nets:spectrum", "--input", "3x16x16"], 4, "operator aten._fft_c2c.default cannot be"),
        (
            ["estimate", "my_wrong_nets:spectrum", "--input", "3x16x16"],
            4,
            "my_wrong_nets.py:10)",
        ),
        (
            ["estimate", "my_wrong_nets:gate", "--input", "3x16x16"],
            4,
            "my_wrong_nets:gate: 1: the forward pass depends",
        ),
        (["estimate", "my_wrong_nets:gate", "--input", "3x16x16"], 4, "my_wrong_nets.py:22)"),
        (["estimate", "my_wrong_nets:identity", "--input", "3x16x16"], 4, "nothing to cost"),
        (["estimate", "my_wrong_nets:number", "--input", "3x16x16"], 4, "not a torch.nn.Module"),
        (["estimate", "my_wrong_nets:needs", "--input", "3x16x16"], 4, "fails when called without arguments"),
        (["estimate", "my_wrong_nets:broken", "--input", "3x16x16"], 4, "ValueError: no such width"),
        (["estimate", "my_wrong_nets:cov", "--input", "3x16x16"], 2, "Did you mean 'conv'"),
        (["estimate", "no_such_nets:conv", "--input", "3x16x16"], 2, "No module named"),
        (["estimate", *CONV, "--weights", "nowhere.safetensors"], 2, "nowhere.safetensors: no such file"),
        (["estimate", *CONV, "--weights", "weights.safetensors"], 4, "weights.safetensors: damaged"),
        (["estimate", "hybrid:random@3", "--weights", "weights.safetensors"], 2, "--weights belong to a factory"),
        (["estimate", "nowhere.pt2"], 2, "expected a model"),
    ],
)
def test_one_line_says_what_is_wrong(folder, capsys, arguments, code, words):
    assert run(["hw", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_a_profile_that_is_wrong_is_told_before_the_network_is_built(folder, capsys):
    assert run(["hw", "estimate", "my_wrong_nets:broken", "--input", "3x16x16", "--hardware", "zero.yaml"]) == 2
    assert "zero.yaml:29" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "macs"), [("body", 14 * 14 * 27 * 4 + 12 * 12 * 36 * 8), ("plain", 0)])
def test_a_network_need_not_be_a_classifier(folder, capsys, name, macs):
    given = ["hw", "estimate", f"my_wrong_nets:{name}", "--input", "3x16x16", "--html", str(folder / "page.html")]
    assert run([*given, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["macs"] == macs
    assert document["latency_s"] > 0
    assert "<svg" in (folder / "page.html").read_text()
    assert run(["hw", "compare", *given[2:5], "--hardware", "npu-edge"]) == 0
