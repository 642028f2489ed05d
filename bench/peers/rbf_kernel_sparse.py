"""scikit-learn's RBF kernel of sparse rows in memory: the peer of `npm run bench -- sparseKernel`.

usage: rbf_kernel_sparse.py LIBSVM_FILE N D SIGMA
prints one JSON object: seconds of rbf_kernel alone on a csr matrix of float32, peak resident bytes, and some entries
"""
import json
import sys
import time

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.metrics.pairwise import rbf_kernel

path, n, d, sigma = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
x = load_svmlight_file(path, n_features=d, dtype=np.float32)[0][:n]
start = time.perf_counter()
used = time.process_time()
kernel = rbf_kernel(x, gamma=1 / (2 * sigma**2))
seconds = time.perf_counter() - start
used = time.process_time() - used
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
entries = [float(kernel[i, 0]) for i in range(1, n, n // 16)]
print(
    json.dumps(
        {"seconds": seconds, "processorSeconds": used, "peakRssBytes": peak, "entries": entries, "dtype": str(kernel.dtype)}
    )
)
