"""Audits models that archlock did not make: torchvision's and timm's, as factories with weights and as .pt2 files.

    python benchmarks/audit_foreign.py [--steps 20] [--only vit]
    python benchmarks/audit_foreign.py --large

Needs torchvision and timm. Each model is trained on the source, saved in both forms and audited in both with every
attack at a small schedule. A form passes where every attack that its edits allow ran, nothing is weakened, and a full
fine-tuning in training mode moves the statistics of its batch norms as far as the other form's. ``--large`` makes the
quick audit of a ResNet-50 at 224x224 on the command line instead, and prints its time and memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file
from torch import nn

from archlock.auditing.budgets import BUDGETS
from archlock.auditing.record import AuditRecord
from archlock.audits import audit
from archlock.loading import LoadedModel, load_model
from archlock.seeding import torch_generator
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule, fit

SOURCE, TARGET = "digits", TaskSettings(name="textures", samples=200)
SIDE = 32
SEED = 0
SMALL = replace(
    BUDGETS["standard"], steps=2, learning_rates=(0.003,), fractions=(1.0,), samples=64, references=False, repeats=()
)
"""Every attack of the standard budget, so that each is seen to run; too few steps to judge by, so that no public
network is trained beside it."""


def _torchvision() -> Callable[..., nn.Module]:
    """Give torchvision's models; its compiled operators, which no classifier needs, may be of another build."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    models: Callable[..., nn.Module] = torchvision.models.get_model
    return models


def _timm(name: str, **arguments: object) -> nn.Module:
    _torchvision()
    import timm

    network: nn.Module = timm.create_model(name, num_classes=10, **arguments)
    return network


def resnet18() -> nn.Module:
    """Give torchvision's ResNet-18 for ten classes."""
    return _torchvision()("resnet18", num_classes=10)


def mobilenet_v2() -> nn.Module:
    """Give torchvision's MobileNet-V2 of half the width, which has dropout."""
    return _torchvision()("mobilenet_v2", num_classes=10, width_mult=0.5)


def mobilenet_v3() -> nn.Module:
    """Give torchvision's small MobileNet-V3: squeeze-and-excitation, hard swish, a classifier of two layers."""
    return _torchvision()("mobilenet_v3_small", num_classes=10)


def vit() -> nn.Module:
    """Give timm's ViT-Tiny with four blocks, for 32x32 in patches of 4."""
    return _timm("vit_tiny_patch16_224", img_size=SIDE, patch_size=4, depth=4)


def resnet10t() -> nn.Module:
    """Give timm's ResNet-10-T: a stem of three convolutions and average pooling in its shortcuts."""
    return _timm("resnet10t")


def resnet50() -> nn.Module:
    """Give torchvision's ResNet-50 with weights from a fixed seed."""
    torch.manual_seed(SEED)
    return _torchvision()("resnet50", num_classes=10)


MODELS: tuple[Callable[[], nn.Module], ...] = (resnet18, mobilenet_v2, mobilenet_v3, vit, resnet10t)


@dataclass(frozen=True)
class Outcome:
    """One model in one form."""

    model: LoadedModel
    record: AuditRecord
    seconds: float

    @property
    def failed(self) -> list[str]:
        """Attacks that did not run although they are no edits that may find nothing to open."""
        allowed = ("surgery:", "adapters")
        return [each.attack for each in self.record.not_run if not each.attack.startswith(allowed)]


def main() -> None:
    """Audit the small models, or the large one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20, help="of training on the source")
    parser.add_argument("--only", choices=[make.__name__ for make in MODELS], action="append", help="of the models")
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.large:
        large()
        return
    print("model         form         parameters  source  attacks  strongest                 weakened  seconds")
    chosen = [make for make in MODELS if not arguments.only or make.__name__ in arguments.only]
    passed = [audit_both(make, arguments.steps) for make in chosen]
    print(f"{sum(passed)} of {len(chosen)} models audited in both forms, full fine-tuning in training mode included")


def audit_both(make: Callable[[], nn.Module], steps: int) -> bool:
    """One model in both forms, a line each; whether both pass and are trained alike."""
    outcomes = in_both_forms(make, steps)
    for form, found in zip(("safetensors", "pt2"), outcomes, strict=True):
        show(make.__name__, form, found)
    moved = [statistics_moved(found.model) for found in outcomes]
    same = alike(*moved)
    print(f"  {moved[0].numel()} batch norms, moved {'alike' if same else 'otherwise'} by training mode")
    return same and not any(found.failed or found.record.model.weakened for found in outcomes)


def in_both_forms(make: Callable[[], nn.Module], steps: int) -> tuple[Outcome, Outcome]:
    """Train, save as weights and as a program of a fixed batch, audit each."""
    name = make.__name__
    with TemporaryDirectory() as folder:
        network = trained(make, steps)
        weights, exported = Path(folder) / f"{name}.safetensors", Path(folder) / f"{name}.pt2"
        save_file({key: value.contiguous() for key, value in network.state_dict().items()}, weights)
        torch.export.save(torch.export.export(network, (torch.zeros(1, 3, SIDE, SIDE),)), exported)
        as_factory = outcome(f"audit_foreign:{name}", weights, (3, SIDE, SIDE))
        return as_factory, outcome(str(exported), None, None)


def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """As many batch norms, and moved by the same."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-4)


def trained(make: Callable[[], nn.Module], steps: int) -> nn.Module:
    """The model after a short training on the source."""
    torch.manual_seed(SEED)
    network = make()
    if steps:
        task = load_task(SOURCE, input_shape=(3, SIDE, SIDE))
        fit(network, task, Schedule(steps, learning_rate=0.003), torch_generator(SEED, "source"))
    return network.eval()


def outcome(what: str, weights: Path | None, shape: tuple[int, int, int] | None) -> Outcome:
    """Load and audit."""
    began = time.process_time()
    record = audit(what, source=SOURCE, targets=[TARGET], budget=SMALL, weights=weights, input_shape=shape)
    seconds = time.process_time() - began
    return Outcome(load_model(what, weights=weights, input_shape=shape), record, seconds)


def show(name: str, form: str, found: Outcome) -> None:
    """One line."""
    record, lacks = found.record, ", ".join(found.failed)
    source = record.source_value.value if record.source_value else float("nan")
    best = max(record.attacks, key=lambda line: line.validation)
    print(f"{name:13} {form:12} {record.model.parameters:10,}  {source:.3f}  {len(record.attacks):7}  "
          f"{best.attack:18} {best.value.value:.3f}  {'; '.join(record.model.weakened) or 'none':>8}  "
          f"{found.seconds:7.1f}{'  NOT RUN ' + lacks if lacks else ''}", flush=True)  # fmt: skip


def statistics_moved(model: LoadedModel) -> torch.Tensor:
    """How far each batch norm's running mean moves in one forward pass in training mode, shape (batch norms,)."""
    network = model.network
    assert network is not None
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    before = [norm.running_mean.clone() for norm in norms if norm.running_mean is not None]
    dropouts = [part for part in network.modules() if isinstance(part, nn.Dropout)]
    rates = [part.p for part in dropouts]
    for part in dropouts:
        part.p = 0.0  # so that both forms see the same activations
    network.train()
    with torch.no_grad():
        network(torch.randn(8, *model.input_shape, generator=torch.Generator().manual_seed(SEED)))
    network.eval()
    for part, rate in zip(dropouts, rates, strict=True):
        part.p = rate
    after = [norm.running_mean for norm in norms if norm.running_mean is not None]
    moved = [float((new - old).norm()) for new, old in zip(after, before, strict=True)]
    return torch.tensor(sorted(moved))


def large() -> None:
    """The quick audit of 25 million parameters at 224x224, as a user types it."""
    with TemporaryDirectory() as out:
        command = [sys.executable, "-c", "from archlock.cli.main import main; main()", "audit"]
        command += ["audit_foreign:resnet50", "--input", "3x224x224", "--source", SOURCE, "--budget", "quick"]
        command += ["--out", f"{out}/audit"]
        began, peak_bytes = time.monotonic(), 0
        with subprocess.Popen(command, cwd=Path(__file__).parent, start_new_session=True) as audited:
            while audited.poll() is None:
                peak_bytes = max(peak_bytes, largest_process_bytes(audited.pid))
                time.sleep(0.5)
        wall_s = time.monotonic() - began
    if audited.returncode:
        raise SystemExit(audited.returncode)
    print(f"ResNet-50 at 224x224, quick: {wall_s:.0f} s by the wall, largest process {peak_bytes / 2**30:.2f} GiB")


def largest_process_bytes(session: int) -> int:
    """The most memory that any process of a session, workers included, has had so far; 0 where /proc is not there."""
    peaks = [0]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
                peaks.append(int(status["VmHWM"].split()[0]) * 1024)
        except (OSError, KeyError):  # ended meanwhile
            continue
    return max(peaks)


if __name__ == "__main__":
    main()
