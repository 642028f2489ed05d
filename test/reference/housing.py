"""Reference figures for test/housing.test.ts, by scikit-learn on the rows that mlml stored.

    mlml import housing.csv --label=median_house_value --out=housing
    python3 test/reference/housing.py housing > test/reference/housing.json

Rows are read from the data set folder, so that both train on the same split. Features are standardised by mean and
deviation over all training rows, as mlml does for floats.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

folder = sys.argv[1]
ROWS = 3000
with open(f"{folder}/dataset.json") as file:
    description = json.load(file)
d = description["d"]


def rows(part):
    table = np.fromfile(f"{folder}/{part}.rows", "<f4").reshape(-1, d + 1).astype(np.float64)
    return table[:, :d], table[:, d]


x, y = rows("train")
x_test, y_test = rows("test")
mean, deviation = x.mean(axis=0), x.std(axis=0)
x, x_test = (x - mean) / deviation, (x_test - mean) / deviation


def rmse(model, n=None):
    model.fit(x[:n], y[:n])
    return float(np.sqrt(np.mean((model.predict(x_test) - y_test) ** 2)))


print(
    json.dumps(
        {
            "sklearn": sklearn.__version__,
            "fingerprint": description["fingerprint"],
            "train": len(y),
            "test": len(y_test),
            "ridge": rmse(Ridge(alpha=1.0)),
            # The kernel exp(-|x - z|^2 / (2 sigma^2)) with sigma = 5.
            "kernelRows": ROWS,
            "kernelRidge": rmse(KernelRidge(kernel="rbf", gamma=1 / (2 * 5.0**2), alpha=0.01), ROWS),
            **(
                {"kernelRidgeAll": rmse(KernelRidge(kernel="rbf", gamma=1 / (2 * 5.0**2), alpha=0.01))}
                if "--all" in sys.argv
                else {}
            ),
        },
        indent=2,
    )
)
