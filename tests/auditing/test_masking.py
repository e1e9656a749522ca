"""A model that evades attacks is told, however it does it; others are not, whatever their norms and dropout do."""

from __future__ import annotations

from collections.abc import Callable

import audited_models as models
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.attacks import ForeignModel
from archlock.auditing.budgets import AuditBudget
from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Policy, Required
from archlock.auditing.masking import evasions
from archlock.audits import audit
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings

SHAPE = (3, 16, 16)
Change = Callable[[nn.Module, Tensor], Tensor]


class Small(nn.Module):
    """A convolution, something done to its features, and a head."""

    def __init__(self, change: Change = lambda _, features: features, *, attribute: object = None) -> None:
        super().__init__()
        self.conv, self.fc, self.change = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 10), change
        self.drop = nn.Dropout(0.5)
        self.norm, self.affine = nn.BatchNorm2d(8), nn.Linear(8, 8)
        self.register_buffer("inner", torch.randn(8, 8, generator=torch.Generator().manual_seed(0)) / 3)
        self.register_buffer("codes", torch.arange(64).reshape(8, 8).to(torch.int8) - 32)
        self.register_buffer("mean", torch.full((3, 1, 1), 0.5), persistent=False)
        self.attribute = attribute

    def forward(self, x: Tensor) -> Tensor:
        features = torch.relu(self.norm(self.conv(x - self.mean))).mean(dim=(2, 3))
        logits: Tensor = self.fc(self.change(self, self.drop(self.affine(features))))
        return logits


def found(network: nn.Module) -> tuple[str, ...]:
    torch.manual_seed(0)
    task = load_task("digits", input_shape=SHAPE)
    return evasions(ForeignModel.of(network.eval(), task.io), task)


def matrix() -> Tensor:
    return torch.randn(8, 8, generator=torch.Generator().manual_seed(1)) / 3


EVADES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "detached": (lambda: Small(lambda _, seen: seen.detach()), "100% of the body's weights get no gradient"),
    "rounded": (lambda: Small(lambda _, seen: (seen * 64).round() / 64), "100% of the body's weights get no gradient"),
    "in a buffer": (lambda: Small(lambda own, seen: seen @ own.inner), "67 values, 18% of the body's, lie in buffers"),
    "without gradients": (lambda: Small(lambda own, seen: seen @ own.inner.detach()), "67 values"),
    "in codes": (lambda: Small(lambda own, seen: seen @ (own.codes.float() / 32)), "67 values"),
    "in an attribute": (lambda: Small(lambda own, seen: seen @ own.attribute, attribute=matrix()), "67 values"),
    "in a list": (lambda: Small(lambda own, seen: seen @ own.attribute[0]["w"], attribute=[{"w": matrix()}]), "67 val"),
    "two-faced": (lambda: Small(lambda own, seen: seen * (0.1 if own.training else 1)), "answers otherwise while"),
    "noisy": (lambda: Small(lambda own, seen: seen + torch.randn_like(seen) * own.training), "answers otherwise"),
    "watching gradients": (lambda: Small(lambda _, seen: seen * (2 if torch.is_grad_enabled() else 1)), "otherwise"),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(EVADES))
def test_a_model_that_evades_is_told(way: str) -> None:
    make, said = EVADES[way]
    reasons = found(make())
    assert len(reasons) == 1
    assert said in reasons[0]


HONEST: dict[str, Callable[[], nn.Module]] = {
    # Of the buffers `mean` alone takes part, and is less than a hundredth of the values.
    "open": Small,
    "functional dropout": lambda: Small(lambda own, seen: functional.dropout(seen, 0.5, own.training)),
    "functional norm": lambda: Small(
        lambda own, x: functional.batch_norm(x, own.norm.running_mean, own.norm.running_var, training=own.training)
    ),
    "attention": lambda: Small(lambda own, seen: functional.scaled_dot_product_attention(
        seen[:, None], seen[:, None], seen[:, None], dropout_p=0.5 * own.training)[:, 0]),
    "norm that is used in its own way": lambda: Small(lambda own, seen: own.norm(seen[:, :, None, None]).flatten(1)),
    "closed edge": lambda: Small(
        lambda own, seen: seen + 0 * own.attribute(seen).mean(dim=1, keepdim=True), attribute=nn.Linear(8, 512)
    ),
    "good": models.good,
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(HONEST))
def test_an_honest_model_is_not_suspected(way: str) -> None:
    assert found(HONEST[way]()) == ()


def test_tuning_a_model_that_evades_counts_as_not_run() -> None:
    tricky = Small(lambda own, seen: (seen * (0.1 if own.training else 1)) @ own.inner)
    spent = AuditBudget("quick", ("linear-probe", "fine-tune"), 2, 8, (0.01,), (1.0,), (0,), 40, references=False)
    target = TaskSettings(name="textures", samples=60)
    record = audit(tricky, source="digits", targets=[target], budget=spent, input_shape=SHAPE)
    reasons = {line.attack: line.reason for line in record.not_run}
    assert reasons["fine-tune"].startswith("attack weakened: 67 values")
    assert "answers otherwise" in reasons["fine-tune"]
    assert "linear-probe" not in reasons
    assert len(record.model.weakened) == 2
    policy = Policy(required=Required(budget="quick", attacks=("linear-probe", "fine-tune"), surgery=False))
    failed = {clause.name: clause.said for clause in judge(record, policy).failed}
    assert "fine-tune counts as not run: attack weakened" in failed["required.attacks.fine-tune"]
    assert "required.attacks.linear-probe" not in failed
