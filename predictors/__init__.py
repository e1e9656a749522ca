"""Task embeddings, simulated target embeddings and the binary cross-task predictor."""

if __name__ != "archlock.predictors":
    raise ImportError("import archlock.predictors, not predictors: the folder is a part of archlock")
