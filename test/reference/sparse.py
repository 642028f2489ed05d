"""Reference figures for test/sparseKernels.test.ts, by scikit-learn on sparse rows.

    python3 test/reference/sparse.py $MLML_DATA/libsvm > test/reference/sparse.json

Rows of a9a as csr matrices, targets one-hot as in mlml: kernel ridge regression on the first of them, with kernels of rows as they are
stored, exp(-|x - z|^2 / (2 sigma^2)) with sigma = 3, and x.z; and ridge regression on all.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_svmlight_file
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel

ROWS = 2000
SHOWN = 200
folder = sys.argv[1]
x, y = load_svmlight_file(f"{folder}/a9a", n_features=123)
x_test, y_test = load_svmlight_file(f"{folder}/a9a.t", n_features=123)
targets = np.stack([y == -1, y == 1], axis=1).astype(np.float64)
classes = np.where(y_test > 0, 1, 0)


def figures(kernel, **options):
    model = KernelRidge(kernel=kernel, alpha=1.0, **options).fit(x[:ROWS], targets[:ROWS])
    scores = model.predict(x_test)
    return {
        "accuracy": float(np.mean(np.argmax(scores, axis=1) == classes)),
        # Of class 1, of the first test rows.
        "scores": [round(float(score), 7) for score in scores[:SHOWN, 1]],
    }


def ridge():
    all_targets = np.stack([y == -1, y == 1], axis=1).astype(np.float64)
    model = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-12, max_iter=100000).fit(x, all_targets)
    scores = model.predict(x_test)
    return {
        "accuracy": float(np.mean(np.argmax(scores, axis=1) == classes)),
        "scores": [round(float(score), 7) for score in scores[:SHOWN, 1]],
    }


print(
    json.dumps(
        {
            "sklearn": sklearn.__version__,
            "rows": ROWS,
            "rbf": figures("rbf", gamma=1 / (2 * 3.0**2)),
            "linear": figures("linear"),
            # All rows, with an intercept.
            "ridge": ridge(),
            "rbfSum": float(rbf_kernel(x[:ROWS], gamma=1 / (2 * 3.0**2)).sum()),
            "linearSum": float(linear_kernel(x[:ROWS]).sum()),
        }
    )
)
