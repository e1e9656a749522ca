"""Task embeddings, simulated target embeddings and the binary cross-task predictor.

Plain arrays, tensors and strings go in: nothing here knows of spaces, tasks or the rest of archlock.
"""

if __name__ != "archlock.predictors":
    raise ImportError("import archlock.predictors, not predictors: the folder is a part of archlock")

from archlock.predictors.embedding import TaskEmbedder, offline_embedder
from archlock.predictors.evidence import TaskEvidence, normal_scores, vote_share
from archlock.predictors.kernel import Kernel
from archlock.predictors.probe import Probe, train_probe
from archlock.predictors.relation import RelationModel
from archlock.predictors.simulate import cosine_similarity, nearest, simulate_targets

__all__ = [
    "Kernel",
    "Probe",
    "RelationModel",
    "TaskEmbedder",
    "TaskEvidence",
    "cosine_similarity",
    "nearest",
    "normal_scores",
    "offline_embedder",
    "simulate_targets",
    "train_probe",
    "vote_share",
]
