"""Reference figures for test/folds.test.ts: cross_val_score of scikit-learn on the folds and the rows of mlml.

    mlml import housing.csv --label=median_house_value --out=housing
    mlml import spam --out=spam
    python3 test/reference/folds.py housing spam > test/reference/folds.json

Features are standardised by mean and deviation over all training rows, as mlml does for floats: the folds share them.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_score

FOLDS = 5
SEED = 11
TYPES = {"uint8": "u1", "float32": "<f4", "float64": "<f8"}


def scrambled(w):
    w = (w ^ (w >> 16)) * 0x85EBCA6B & 0xFFFFFFFF
    w = (w ^ (w >> 13)) * 0xC2B2AE35 & 0xFFFFFFFF
    return w ^ (w >> 16)


def folds_of(n, k, seed=0):
    key = scrambled(scrambled(0x464F4C44) ^ seed)
    hashes = np.array([scrambled(scrambled(key) ^ row) for row in range(-(-n // k) * k)]).reshape(-1, k)
    return hashes.argsort(axis=1, kind="stable").argsort(axis=1).ravel()[:n]


def rows(folder):
    with open(f"{folder}/dataset.json") as file:
        description = json.load(file)
    d, dtype, label = description["d"], TYPES[description["dtype"]], TYPES[description["labelDtype"]]
    table = np.fromfile(f"{folder}/train.rows", np.dtype([("x", dtype, d), ("y", label)]))
    x = table["x"].astype(np.float64)
    return description["fingerprint"], (x - x.mean(axis=0)) / x.std(axis=0), table["y"].astype(np.float64)


def figures(folder, model, scorings):
    fingerprint, x, y = rows(folder)
    folds = PredefinedSplit(folds_of(len(y), FOLDS, SEED))
    scores = {name: sign * cross_val_score(model, x, y, cv=folds, scoring=scoring) for name, scoring, sign in scorings}
    return {
        "fingerprint": fingerprint,
        "rows": len(y),
        **{name: {"folds": list(values), "mean": values.mean(), "std": values.std()} for name, values in scores.items()},
    }


housing, spam = sys.argv[1:]
print(
    json.dumps(
        {
            "sklearn": sklearn.__version__,
            "folds": FOLDS,
            "seed": SEED,
            "first": [int(fold) for fold in folds_of(23, FOLDS, SEED)],
            "housing": figures(
                housing, Ridge(alpha=1.0), [("rmse", "neg_root_mean_squared_error", -1), ("r2", "r2", 1)]
            ),
            "spam": figures(spam, RidgeClassifier(alpha=1.0), [("accuracy", "accuracy", 1)]),
        },
        indent=2,
    )
)
