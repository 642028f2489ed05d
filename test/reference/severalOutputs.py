"""Reference figures for test/severalOutputs.test.ts, by scikit-learn on the rows that mlml stored.

    mlml import housing.csv --label=median_house_value,median_income --out=housing
    python3 test/reference/severalOutputs.py housing > test/reference/severalOutputs.json

Rows are read from the data set folder, so that both train on the same split. Features are standardised by mean and
deviation over all training rows, as mlml does for floats. Figures are those of each output, in the order of the labels.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

folder = sys.argv[1]
ROWS = 3000
with open(f"{folder}/dataset.json") as file:
    description = json.load(file)
d, k = description["d"], description["k"]


def rows(part):
    table = np.fromfile(f"{folder}/{part}.rows", "<f4").reshape(-1, d + k).astype(np.float64)
    return table[:, :d], table[:, d:]


x, y = rows("train")
x_test, y_test = rows("test")
mean, deviation = x.mean(axis=0), x.std(axis=0)
x, x_test = (x - mean) / deviation, (x_test - mean) / deviation


def figures(model, n=None):
    model.fit(x[:n], y[:n])
    found = model.predict(x_test)
    each = {"multioutput": "raw_values"}
    return {
        "rmse": np.sqrt(mean_squared_error(y_test, found, **each)).tolist(),
        "mae": mean_absolute_error(y_test, found, **each).tolist(),
        "r2": r2_score(y_test, found, **each).tolist(),
        "meanR2": r2_score(y_test, found, multioutput="uniform_average"),
        "firstPredictions": found[:5].tolist(),
    }


print(
    json.dumps(
        {
            "sklearn": sklearn.__version__,
            "fingerprint": description["fingerprint"],
            "labels": description["labelNames"],
            "ridge": figures(Ridge(alpha=1.0)),
            # The kernel exp(-|x - z|^2 / (2 sigma^2)) with sigma = 5.
            "kernelRows": ROWS,
            "kernelRidge": figures(KernelRidge(kernel="rbf", gamma=1 / (2 * 5.0**2), alpha=0.01), ROWS),
        },
        indent=2,
    )
)
