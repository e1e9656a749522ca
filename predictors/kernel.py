"""Covariance of utilities: which architectures, tasks and sources of evidence speak for one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from archlock.predictors.observations import Points
from archlock.scores import FloatArray

JITTER = 1e-6


@dataclass(frozen=True)
class Kernel:
    """Hyperparameters of the utility's covariance, an intrinsic coregionalisation model (Bonilla et al., NIPS 2008).

    cov[(a, t, k), (a', t', k')] = scale * K_arch(a, a') * K_task(t, t') * K_kind(k, k'), where K_arch is a squared
    exponential plus a linear part, K_task = 1 - own + own * exp(-distance / task_length), and K_kind is 1 between
    labels, ``vote_scale`` between votes, and ``trust`` times the root of ``vote_scale`` between a vote and a label.

    Attributes:
        scale: prior variance of a utility.
        length: length scale over architectures, in units of their root mean squared distance.
        linear: share of variance that is linear in the features.
        own: share of variance that a task does not share with all tasks.
        task_length: length scale over tasks, in units of one minus cosine.
        vote_scale: variance of votes, over that of labels.
        trust: correlation of what the proxies vote for with what training finds.
        label_noise, vote_noise: noise variances.
    """

    scale: float = 1.0
    length: float = 0.7
    linear: float = 0.2
    own: float = 0.2
    task_length: float = 0.5
    vote_scale: float = 1.0
    trust: float = 0.7
    label_noise: float = 0.1
    vote_noise: float = 0.1

    def as_dict(self) -> dict[str, float]:
        """Field name to value."""
        return asdict(self)


FIT_POINTS = 320
PRIOR = Kernel()
PRIOR_WIDTH = 1.5
"""Standard deviation of the normal prior on each unconstrained hyperparameter."""
SHARES = ("linear", "own", "trust")


def _free(kernel: Kernel) -> FloatArray:
    """Unconstrained coordinates: logits of shares, logs of the rest; shape (9,)."""
    return np.array(
        [np.log(value / (1 - value)) if name in SHARES else np.log(value) for name, value in kernel.as_dict().items()]
    )


def _bound(free: Tensor) -> dict[str, Tensor]:
    names = PRIOR.as_dict()
    return {n: torch.sigmoid(v) if n in SHARES else v.exp() for n, v in zip(names, free.unbind(), strict=True)}


def covariance(points: Points, values: Mapping[str, Tensor | float]) -> Tensor:
    """Covariance of the observations, noise included; shape (points, points)."""
    smooth = torch.exp(-0.5 * points.squared / values["length"] ** 2)
    architecture = (1 - values["linear"]) * smooth + values["linear"] * points.inner
    task = 1 - values["own"] + values["own"] * torch.exp(-points.distance / values["task_length"])
    votes = torch.where(points.is_vote, values["vote_scale"], 1.0) ** 0.5
    same = points.is_vote[:, None] == points.is_vote[None, :]
    kind = votes[:, None] * votes[None, :] * torch.where(same, 1.0, values["trust"])
    matrix = values["scale"] * architecture[points.architecture][:, points.architecture]
    matrix = matrix * task[points.task][:, points.task] * kind
    noise = torch.where(points.is_vote, values["vote_noise"], values["label_noise"]) / points.weight
    return matrix + torch.diag(noise + JITTER)


def negative_log_posterior(free: Tensor, points: Points, start: Tensor) -> Tensor:
    """Negative log marginal likelihood (Rasmussen & Williams, 2006, eq. 5.8) plus the prior's penalty."""
    factor = torch.linalg.cholesky(covariance(points, _bound(free)))
    white = torch.linalg.solve_triangular(factor, points.value[:, None], upper=False)
    likelihood = 0.5 * white.square().sum() + factor.diagonal().log().sum()
    posterior: Tensor = likelihood + 0.5 * ((free - start) / PRIOR_WIDTH).square().sum()
    return posterior


def fit_kernel(points: Points, iterations: int = 20) -> Kernel:
    """The hyperparameters of highest posterior density found by L-BFGS from the prior's centre.

    At most ``FIT_POINTS`` observations are used, labels first: nine numbers do not need more.
    """
    points = points.reduced(FIT_POINTS)
    start = torch.from_numpy(_free(PRIOR))

    def objective(free: FloatArray) -> tuple[float, FloatArray]:
        leaf = torch.from_numpy(free).requires_grad_()
        loss = negative_log_posterior(leaf, points, start)
        (gradient,) = torch.autograd.grad(loss, leaf)
        return float(loss.detach()), gradient.numpy()

    bounds = [(centre - 4.0, centre + 4.0) for centre in start.tolist()]
    found = minimize(
        objective, start.numpy(), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations}
    )
    return Kernel(**{name: float(value) for name, value in _bound(torch.from_numpy(found.x)).items()})
