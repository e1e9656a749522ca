"""Task embeddings, simulated target embeddings and the binary cross-task predictor.

Plain arrays, tensors and strings go in: nothing here knows of spaces, tasks or the rest of archlock.
"""

if __name__ != "archlock.predictors":
    raise ImportError("import archlock.predictors, not predictors: the folder is a part of archlock")

from archlock.predictors.copeland import contrast_fitness, copeland_ranks, copeland_scores
from archlock.predictors.embedding import TaskEmbedder, offline_embedder
from archlock.predictors.evidence import TaskEvidence, normal_scores, vote_share
from archlock.predictors.kernel import Kernel
from archlock.predictors.pairs import PairEvidence
from archlock.predictors.panel import PanelRanking
from archlock.predictors.pretrained import PretrainedProbe, load_pretrained_probe
from archlock.predictors.probe import Probe, train_probe
from archlock.predictors.quality import PredictorQuality, SplitQuality, SplitReport, evaluate, evaluate_voter
from archlock.predictors.relation import RelationModel
from archlock.predictors.relation_mlp import RelationMLP
from archlock.predictors.simulate import cosine_similarity, nearest, simulate_targets
from archlock.predictors.storage import load_evidence, load_relation, save_evidence, save_relation
from archlock.predictors.widen import PAPER_WIDTH, widen

__all__ = [
    "PAPER_WIDTH",
    "Kernel",
    "PairEvidence",
    "PanelRanking",
    "PredictorQuality",
    "PretrainedProbe",
    "Probe",
    "RelationMLP",
    "RelationModel",
    "SplitQuality",
    "SplitReport",
    "TaskEmbedder",
    "TaskEvidence",
    "contrast_fitness",
    "copeland_ranks",
    "copeland_scores",
    "cosine_similarity",
    "evaluate",
    "evaluate_voter",
    "load_evidence",
    "load_pretrained_probe",
    "load_relation",
    "nearest",
    "normal_scores",
    "offline_embedder",
    "save_evidence",
    "save_relation",
    "simulate_targets",
    "train_probe",
    "vote_share",
    "widen",
]
