"""scikit-learn's RBF kernel of rows in memory: the peer of `npm run bench -- generate`.

usage: rbf_kernel.py ROWS_FILE N D SIGMA
ROWS_FILE holds rows of d + 1 float32: features, then a label.
prints one JSON object: seconds of rbf_kernel alone, peak resident bytes, and some entries
"""
import json
import sys
import time

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel

path, n, d, sigma = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rows = np.fromfile(path, np.float32, n * (d + 1)).reshape(n, d + 1)
x = np.ascontiguousarray(rows[:, :d])
del rows
start = time.perf_counter()
kernel = rbf_kernel(x, gamma=1 / (2 * sigma**2))
seconds = time.perf_counter() - start
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
entries = [float(kernel[i, 0]) for i in range(1, n, n // 16)]
print(json.dumps({"seconds": seconds, "peakRssBytes": peak, "entries": entries, "dtype": str(kernel.dtype)}))
