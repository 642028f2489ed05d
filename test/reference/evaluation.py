"""Figures of scikit-learn that test/evaluationReference.test.ts compares with.

    MLML_DATA=<folder with mnist/ and libsvm/> python3 test/reference/evaluation.py > test/reference/evaluation.json

The models are made from class means, so that the test can make them too: what is compared is the evaluation alone.
Needs numpy, scipy and scikit-learn (made with 1.2.1).
"""
import gzip
import json
import os
import sys

import numpy as np
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_svmlight_file
from sklearn.metrics import (accuracy_score, average_precision_score, confusion_matrix, log_loss, mean_absolute_error,
                             mean_squared_error, precision_recall_fscore_support, r2_score, roc_auc_score)

data = os.environ["MLML_DATA"]
BINS = 15


def idx(name, offset):
    with gzip.open(os.path.join(data, "mnist", name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def mnist():
    """Scores of the nearest mean, as a softmax model: 0.2·(x·m − ½‖m‖²) with x from 0 to 1."""
    x, y = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255, idx("train-labels-idx1-ubyte.gz", 8)
    means = np.stack([x[y == c].mean(axis=0) for c in range(10)])
    test = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255
    scores = 0.2 * (test @ means.T - 0.5 * (means**2).sum(axis=1))
    return idx("t10k-labels-idx1-ubyte.gz", 8).astype(int), scores


def a9a():
    """Naive Bayes on the 123 binary features, as a logistic model; its scores have many ties."""
    train, y = load_svmlight_file(os.path.join(data, "libsvm", "a9a"), n_features=123)
    test, labels = load_svmlight_file(os.path.join(data, "libsvm", "a9a.t"), n_features=123)
    train, y, test = train.toarray(), (y > 0).astype(int), test.toarray()
    share = [(train[y == c].sum(axis=0) + 1) / ((y == c).sum() + 2) for c in range(2)]
    weights = np.log(share[1] / share[0]) - np.log((1 - share[1]) / (1 - share[0]))
    constant = np.log((1 - share[1]) / (1 - share[0])).sum() + np.log(y.mean() / (1 - y.mean()))
    return (labels > 0).astype(int), test @ weights + constant


def reliability(p, happened):
    """Rows, mean probability and share of each bin that has rows; the expected and largest error."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = np.bincount(np.searchsorted(edges[1:-1], p), minlength=BINS)
    share, mean = calibration_curve(happened, p, n_bins=BINS)
    kept = rows[rows > 0]
    errors = np.abs(share - mean)
    return {"rows": rows.tolist(), "share": share.tolist(), "probability": mean.tolist(),
            "expectedError": float((kept / kept.sum() * errors).sum()), "largestError": float(errors.max())}


def figures(y, scores, probabilities):
    predicted = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    each = precision_recall_fscore_support(y, predicted, zero_division=0)
    result = {
        "accuracy": accuracy_score(y, predicted),
        "precision": each[0].tolist(), "recall": each[1].tolist(), "f1": each[2].tolist(), "rows": each[3].tolist(),
        "macro": [float(f) for f in precision_recall_fscore_support(y, predicted, average="macro", zero_division=0)[:3]],
        "weighted": [float(f) for f in precision_recall_fscore_support(y, predicted, average="weighted", zero_division=0)[:3]],
        "confusion": confusion_matrix(y, predicted).tolist(),
    }
    if scores.ndim == 1:
        result["rocAuc"] = [roc_auc_score(y, scores)]
        result["averagePrecision"] = [average_precision_score(y, scores)]
    else:
        ranked = scores if probabilities is None else probabilities
        classes = range(scores.shape[1])
        result["rocAuc"] = [roc_auc_score(y == c, ranked[:, c]) for c in classes]
        result["averagePrecision"] = [average_precision_score(y == c, ranked[:, c]) for c in classes]
        if probabilities is not None:
            result["macroRocAuc"] = roc_auc_score(y, probabilities, multi_class="ovr", average="macro")
            result["weightedRocAuc"] = roc_auc_score(y, probabilities, multi_class="ovr", average="weighted")
    if probabilities is not None:
        result["logLoss"] = log_loss(y, probabilities)
        if scores.ndim == 1:
            result["calibration"] = reliability(probabilities, y)
        else:
            result["calibration"] = reliability(probabilities.max(axis=1), predicted == y)
    return result


if __name__ == "__main__":
    y, scores = mnist()
    a9aLabels, a9aScores = a9a()
    rng = np.arange(1, 1001)
    target, value = 10 * np.sin(rng) + 3, 9 * np.sin(rng) + np.cos(7 * rng)
    json.dump({
        "mnist": figures(y, scores, softmax(scores, axis=1)),
        "mnist of hinge": figures(y, scores, None),
        "a9a": figures(a9aLabels, a9aScores, expit(a9aScores)),
        "regression": {"rmse": mean_squared_error(target, value, squared=False),
                       "mae": mean_absolute_error(target, value), "r2": r2_score(target, value)},
    }, sys.stdout, indent=1)
    print()
