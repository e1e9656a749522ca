"""A model that evades attacks is told, however it does it; others are not, whatever their norms and dropout do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import audited_models as models
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.attacks import ForeignModel
from archlock.auditing.budgets import AuditBudget
from archlock.auditing.evasion.evasions import evasions
from archlock.auditing.gating.gate import judge
from archlock.auditing.gating.policy import Policy, Required
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
    return tuple(evasions(ForeignModel.of(network.eval(), task.io), task, step=32, crowd=64).values())


def matrix() -> Tensor:
    return torch.randn(8, 8, generator=torch.Generator().manual_seed(1)) / 3


HIDDEN = matrix()


def of_default(_: nn.Module, seen: Tensor, hidden: Tensor = HIDDEN) -> Tensor:
    return seen @ hidden


def closing_over(hidden: Tensor) -> Change:
    return lambda _, seen: seen @ hidden


def hooked(network: Small, hidden: Tensor) -> Small:
    network.affine.register_forward_hook(lambda _, __, result: result @ hidden)
    return network


def backward_hooked(network: Small, factor: float) -> Small:
    network.affine.register_full_backward_hook(lambda _, given, __: tuple(factor * each for each in given))
    return network


def healed(layer: nn.Linear, kept: Tensor) -> nn.Linear:
    layer.weight.data.copy_(kept)
    return layer


class Holder:
    def __init__(self, hidden: Tensor) -> None:
        self.hidden = {"w": hidden}

    def __call__(self, seen: Tensor) -> Tensor:
        return seen @ self.hidden["w"]


class Hiding(nn.Module):
    """Does not name its layer among its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)

    def named_modules(self, memo: object = None, prefix: str = "", remove_duplicate: bool = True) -> Iterator[object]:
        yield prefix, self

    def forward(self, seen: Tensor) -> Tensor:
        result: Tensor = self.inner(seen)
        return result


class Turned(torch.autograd.Function):
    @staticmethod
    def forward(context, seen, factor):  # type: ignore[no-untyped-def]
        context.factor = factor
        return seen.clone()

    @staticmethod
    def backward(context, gradient):  # type: ignore[no-untyped-def]
        return gradient * context.factor, None


class Decoy(Small):
    def __deepcopy__(self, memo: object) -> Small:
        torch.manual_seed(1)
        return Small().eval()


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
    "in a closure": (lambda: Small(closing_over(matrix())), "67 values"),
    "in a hook": (lambda: hooked(Small(), matrix()), "67 values"),
    "in a default": (lambda: Small(partial(of_default)), "67 values"),
    "in a global": (lambda: Small(lambda _, seen: seen @ HIDDEN), "67 values"),
    "in a partial": (lambda: Small(partial(lambda hidden, _, seen: seen @ hidden, matrix())), "67 values"),
    "in an object": (lambda: Small(attribute=Holder(matrix()), change=lambda own, seen: own.attribute(seen)), "67 val"),
    "in an array": (lambda: Small(lambda own, seen: seen @ torch.from_numpy(own.attribute), attribute=matrix().numpy()),
                    "67 values"),
    "in a module in a list": (lambda: Small(lambda own, x: own.attribute[0](x), attribute=[nn.Linear(8, 8)]), "75 val"),
    "in a module that hides": (lambda: Small(lambda own, seen: own.attribute(seen), attribute=Hiding()), "75 values"),
    "healed": (lambda: Small(lambda own, x: healed(own.affine, own.attribute)(x), attribute=matrix()), "67 values"),
    "turned gradients": (lambda: Small(lambda _, seen: Turned.apply(seen, -1.0)), "gradients are not those"),
    "small gradients": (lambda: Small(lambda _, seen: Turned.apply(seen, 1e-3)), "gradients are not those"),
    "backward hook": (lambda: backward_hooked(Small(), -1.0), "gradients are not those"),
    "watching the batch": (lambda: Small(lambda _, seen: seen * (0.1 if len(seen) >= 32 else 1)), "among many"),
    "watching others": (lambda: Small(lambda _, seen: seen - seen.mean(dim=0)), "among many"),
    "watching inference": (lambda: Small(lambda _, seen: seen * (2 if torch.is_inference_mode_enabled() else 1)),
                           "inference mode"),
    "a decoy": (lambda: Decoy(), "a copy of the model"),
    "whispering": (lambda: Small(lambda _, seen: seen * 1e-8), "features spread on a scale of"),
    "watching gradients": (lambda: Small(lambda _, seen: seen * (2 if torch.is_grad_enabled() else 1)), "otherwise"),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(EVADES))
def test_a_model_that_evades_is_told(way: str) -> None:
    make, said = EVADES[way]
    [reason] = found(make())
    assert said in reason


def kept(network: nn.Module) -> Tensor:
    """The weights, in evaluation from a plain attribute."""
    if network.training:
        network.attribute = None
        return network.affine.weight
    if network.attribute is None:
        network.attribute = network.affine.weight.detach().clone()
    return network.attribute


def normed_thrice(network: nn.Module, seen: Tensor) -> Tensor:
    """In training of scale one; in evaluation a millionth, since the norms have seen no data."""
    maps = seen[:, :, None, None]
    for _ in range(3):
        maps = network.norm(0.01 * maps)
    return maps.flatten(1)


def logged(network: Small) -> Small:
    seen: list[int] = []
    network.affine.register_forward_hook(lambda _, __, result: seen.append(len(result)))
    return network


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
    "straight through": lambda: Small(lambda _, seen: seen + ((seen * 64).round() / 64 - seen).detach()),
    "cut in two": lambda: Small(lambda _, seen: torch.relu(0 * seen)),
    "norms that saw nothing": lambda: Small(normed_thrice),
    "what is kept for evaluation": lambda: Small(lambda own, seen: seen @ kept(own)),
    "forward hook": lambda: logged(Small()),
    "backward hook that changes nothing": lambda: backward_hooked(Small(), 1.0),
    "binary features": lambda: Small(lambda _, seen: seen + (seen.sign() - seen).detach()),
    "steep": lambda: Small(lambda _, seen: seen * 300),
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
