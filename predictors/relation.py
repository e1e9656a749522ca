"""The relation model: P(a beats b | task) as a sigmoid of a difference of utilities (DESIGN 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from archlock.errors import UsageError
from archlock.predictors.calibration import fit_temperature, leave_group_out, pair_margins
from archlock.predictors.evidence import IntArray, TaskEvidence
from archlock.predictors.kernel import JITTER, Kernel, covariance, fit_kernel
from archlock.predictors.observations import check_evidence, gather_points, task_distances, thin
from archlock.predictors.threads import one_thread
from archlock.scores import FloatArray

PROBIT_TO_LOGIT = 1.702
"""sigmoid(1.702 x) is within 0.01 of the normal distribution function (Bowling et al., 2009)."""
CHUNK = 8192


@dataclass(frozen=True)
class RelationModel:
    """Utilities of architectures on tasks, a Gaussian process fitted to votes and labels; see `fit`.

    s(a, task) is the posterior mean of the utility in logits, so P(a beats b | task) = sigmoid(s(a) - s(b)) is
    antisymmetric and free of cycles by construction, and n architectures are ranked by n evaluations.

    Attributes:
        centre, spread: shape (f,), standardisation of features.
        seen: shape (a, f), standardised features of the architectures in evidence.
        embeddings: shape (t, d), tasks in evidence.
        kernel: hyperparameters.
        weights: shape (points,), the covariance's inverse times the values.
        precision: shape (points, points), the covariance's inverse.
        architecture, task, is_vote: shape (points,), what each observation is of.
        temperature: factor on all logits that makes left-out pairs the likeliest.
    """

    centre: FloatArray
    spread: FloatArray
    seen: FloatArray
    embeddings: FloatArray
    kernel: Kernel
    weights: FloatArray
    precision: FloatArray
    architecture: IntArray
    task: IntArray
    is_vote: NDArray[np.bool_]
    temperature: float = 1.0

    @classmethod
    def fit(cls, features: FloatArray, evidence: Sequence[TaskEvidence]) -> RelationModel:
        """Fit to evidence; the same evidence gives the same model.

        Args:
            features: shape (n, f), all architectures that the evidence's ``indices`` point into.
            evidence: votes and labels, any number of each, on any tasks and any subsets of architectures. Where it
                exceeds ``MAX_POINTS`` values, votes are thinned out first.

        Raises:
            UsageError: fewer than two values, rows out of range, embeddings of different widths, values not finite.
        """
        check_evidence(features, evidence)
        evidence = thin(evidence)
        embeddings, task = np.unique(np.stack([item.embedding for item in evidence]), axis=0, return_inverse=True)
        rows, architecture = np.unique(np.concatenate([item.indices for item in evidence]), return_inverse=True)
        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        seen = (features[rows] - centre) / spread
        points = gather_points(evidence, task.reshape(-1), architecture, seen)
        with one_thread():
            kernel = fit_kernel(points)
            precision = torch.linalg.inv(covariance(points, kernel.as_dict())).numpy()
        model = cls(
            centre=centre,
            spread=spread,
            seen=seen,
            embeddings=embeddings,
            kernel=kernel,
            weights=precision @ points.value.numpy(),
            precision=precision,
            architecture=points.architecture.numpy(),
            task=points.task.numpy(),
            is_vote=points.is_vote.numpy(),
        )
        return replace(model, temperature=model._temperature(points.value.numpy()))

    def score(self, features: FloatArray, embedding: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Utility of architectures on one task.

        Args:
            features: shape (n, f).
            embedding: shape (d,).

        Returns:
            mean and standard deviation of the utility, each shape (n,), in logits: P(a beats b) is the sigmoid of
            the difference of means. The deviation is the posterior's: large far from what was seen.

        Raises:
            UsageError: the widths are not those of the fit, or a value is not finite.
        """
        self._check(features, embedding)
        with one_thread():
            gather = self._gather(embedding)
            mean_weights, spread_weights = gather.T @ self.weights, gather.T @ self.precision @ gather
            prior, logits = self.kernel.scale, self._logits_per_unit(spread_weights)
            means, variances = [np.empty(0)], [np.empty(0)]
            for start in range(0, len(features), CHUNK):
                unit = (features[start : start + CHUNK] - self.centre) / self.spread
                near = self._near(unit)
                means.append(near @ mean_weights)
                variances.append(prior * self._own(unit) - np.einsum("ij,ij->i", near @ spread_weights, near))
            deviation = np.sqrt(np.clip(np.concatenate(variances), JITTER, None))
            return logits * np.concatenate(means), logits * deviation

    def order(self, features: FloatArray, embeddings: FloatArray) -> FloatArray:
        """What ranks architectures on many tasks at once: utilities up to a positive factor per task.

        n forward passes for n architectures, shared by all tasks; neither the posterior's spread nor logits are had.

        Args:
            features: shape (n, f).
            embeddings: shape (t, d).

        Returns:
            shape (t, n), higher is better, comparable within a row.

        Raises:
            UsageError: as `score`.
        """
        for embedding in embeddings:
            self._check(features, embedding)
        with one_thread():
            part = np.stack([self._parts(embedding) for embedding in embeddings]) * self.weights
            summed = np.zeros((len(embeddings), len(self.seen)))
            np.add.at(summed.T, self.architecture, part.T)
            chunks = np.split(features, range(CHUNK, len(features), CHUNK))
            return np.hstack([summed @ self._near((chunk - self.centre) / self.spread).T for chunk in chunks])

    def probability(self, features_a: FloatArray, features_b: FloatArray, embedding: FloatArray) -> FloatArray:
        """P(a beats b | task) row by row; features shape (n, f) each, result shape (n,). Raises as `score`."""
        return np.asarray(expit(self.score(features_a, embedding)[0] - self.score(features_b, embedding)[0]))

    def _near(self, unit: FloatArray) -> FloatArray:
        """Kernel between architectures (n, f), standardised, and those seen; shape (n, a)."""
        inner = unit @ self.seen.T
        squared = (unit**2).sum(1)[:, None] + (self.seen**2).sum(1)[None, :] - 2 * inner
        smooth = np.exp(-0.5 * np.maximum(squared, 0.0) / (2 * unit.shape[1] * self.kernel.length**2))
        linear = self.kernel.linear
        return np.asarray((1 - linear) * smooth + linear / unit.shape[1] * inner)

    def _own(self, unit: FloatArray) -> FloatArray:
        """Kernel of each architecture with itself; shape (n,)."""
        return np.asarray(1 - self.kernel.linear + self.kernel.linear * (unit**2).mean(axis=1))

    def _gather(self, embedding: FloatArray) -> FloatArray:
        """Task and kind parts of the kernel, summed per seen architecture; shape (points, a)."""
        part = self._parts(embedding)
        gather = np.zeros((len(part), len(self.seen)))
        gather[np.arange(len(part)), self.architecture] = part
        return gather

    def _parts(self, embedding: FloatArray) -> FloatArray:
        """Task and kind parts of the kernel between a task and every observation; shape (points,)."""
        distance = task_distances(np.vstack([embedding, self.embeddings]))[0, 1:]
        task = 1 - self.kernel.own + self.kernel.own * np.exp(-distance / self.kernel.task_length)
        vote = self.kernel.trust * self.kernel.vote_scale**0.5
        return np.asarray(self.kernel.scale * task[self.task] * np.where(self.is_vote, vote, 1.0))

    def _logits_per_unit(self, spread_weights: FloatArray) -> float:
        """Logits per unit of utility on this task: flatter where the posterior is wide, the same for all pairs.

        Var(u_a - u_b) averaged over the pairs seen, plus the noise of both labels, in the probit approximation of
        MacKay (1992). One figure per task, not per pair, is what keeps the relation free of cycles.
        """
        near = self._near(self.seen)
        posterior = self.kernel.scale * near - near @ spread_weights @ near
        count = len(near)
        differences = 2 * (np.trace(posterior) - posterior.sum() / count) / max(count - 1, 1)
        return self.temperature * PROBIT_TO_LOGIT / float(np.sqrt(max(differences, 0.0) + 2 * self.kernel.label_noise))

    def _temperature(self, values: FloatArray) -> float:
        """Fitted on pairs of labels of architectures left out one at a time; on votes where there are no labels."""
        used = self.is_vote if self.is_vote.all() else ~self.is_vote
        predicted = leave_group_out(values, self.precision, self.architecture)
        margins = pair_margins(predicted[used], values[used], self.task[used])
        gathered = [self._gather(embedding) for embedding in self.embeddings]
        logits = np.mean([self._logits_per_unit(gather.T @ self.precision @ gather) for gather in gathered])
        return fit_temperature(float(logits) * margins, int(used.sum()))

    def _check(self, features: FloatArray, embedding: FloatArray) -> None:
        wanted = (self.seen.shape[1], self.embeddings.shape[1])
        if features.ndim != 2 or (features.shape[1], *embedding.shape) != wanted:
            raise UsageError(
                f"relation model: expected features (n, {wanted[0]}) and an embedding ({wanted[1]},), "
                f"not {features.shape} and {embedding.shape}"
            )
        if not (np.isfinite(features).all() and np.isfinite(embedding).all()):
            raise UsageError("relation model: features or embedding hold NaN or infinite values")
