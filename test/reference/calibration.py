"""Figures of scikit-learn that test/calibrationReference.test.ts compares with.

    MLML_DATA=<folder with mnist/ and libsvm/> python3 test/reference/calibration.py > test/reference/calibration.json

The scores are those of the models of evaluation.py; curves are fitted on rows of the training part and tried on the test rows.
Needs numpy, scipy and scikit-learn (made with 1.2.1).
"""
import json
import os
import sys

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_svmlight_file
from sklearn.metrics import log_loss

from evaluation import a9a, data, idx, reliability


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input: scores that were computed before."""

    def __init__(self, k=2):
        self.k = k
        self.classes_ = np.arange(k)

    def fit(self, x, y):
        return self

    def decision_function(self, X):
        return X.ravel() if self.k == 2 else X

    def predict(self, x):
        return (x.ravel() > 0).astype(int) if self.k == 2 else x.argmax(axis=1)


def platt(scores, y):
    """Platt's objective at its minimum: scikit-learn stops where the gradient is below 1e-5."""
    own, others = (y == 1).sum(), (y == 0).sum()
    target = np.where(y == 1, (own + 1) / (own + 2), 1 / (others + 2))
    size = np.abs(scores).max()

    def loss(ab):
        z = ab[0] * scores / size + ab[1]
        slope = target - expit(-z)
        value = (target * np.logaddexp(0, z) + (1 - target) * np.logaddexp(0, -z)).sum()
        return value, np.array([(slope * scores / size).sum(), slope.sum()])

    start = np.array([0, np.log((others + 1) / (own + 1))])
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    return [found[0] / size, found[1]]


def figures(scores, y, testScores, testY, k):
    result = {}
    for method in ["sigmoid", "isotonic"]:
        fitted = CalibratedClassifierCV(Given(k), method=method, cv="prefit").fit(scores.reshape(len(y), -1), y)
        p = fitted.predict_proba(testScores.reshape(len(testY), -1))
        happened = testY if k == 2 else p.argmax(axis=1) == testY
        result[method] = {
            "logLoss": log_loss(testY, np.clip(p, 2**-52, 1)),
            "first": p[:20].tolist(),
            "calibration": reliability(p[:, 1], testY) if k == 2 else None,
        }
    columns = [scores] if k == 2 else scores.T
    wanted = [y] if k == 2 else [(y == c).astype(int) for c in range(k)]
    result["platt"] = [platt(s, t) for s, t in zip(columns, wanted)]
    return result


train, trainY = load_svmlight_file(os.path.join(data, "libsvm", "a9a"), n_features=123)
train, trainY = train.toarray(), (trainY > 0).astype(int)
share = [(train[trainY == c].sum(axis=0) + 1) / ((trainY == c).sum() + 2) for c in range(2)]
weights = np.log(share[1] / share[0]) - np.log((1 - share[1]) / (1 - share[0]))
constant = np.log((1 - share[1]) / (1 - share[0])).sum() + np.log(trainY.mean() / (1 - trainY.mean()))
testY, testScores = a9a()

x, y = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255, idx("train-labels-idx1-ubyte.gz", 8).astype(int)
means = np.stack([x[y == c].mean(axis=0) for c in range(10)])
score = lambda rows: 0.2 * (rows @ means.T - 0.5 * (means**2).sum(axis=1))
images, labels = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255, idx("t10k-labels-idx1-ubyte.gz", 8).astype(int)

json.dump({"a9a": figures(train @ weights + constant, trainY, testScores, testY, 2),
           "mnist": figures(score(x), y, score(images), labels, 10)}, sys.stdout, indent=1)
print()
