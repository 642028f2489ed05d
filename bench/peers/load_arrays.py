"""Makes arrays of features and labels in the formats of other programs, or loads such a file and saves its arrays again, on the disk.

load_arrays.py make <folder> <rows> <columns>
load_arrays.py npy|npz|mat <folder>

The second prints seconds of the processor and of the clock as JSON.
"""
import json
import os
import sys
import time

import numpy as np

way, folder = sys.argv[1:3]


def save(name, array):
    with open(os.path.join(folder, name), "wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())


if way == "make":
    rows, columns = int(sys.argv[3]), int(sys.argv[4])
    random = np.random.default_rng(1)
    features = random.standard_normal((rows, columns), dtype=np.float32)
    labels = (features[:, 0] > 0).astype(np.int32)
    np.save(os.path.join(folder, "X.npy"), features)
    np.save(os.path.join(folder, "y.npy"), labels)
    np.savez(os.path.join(folder, "arrays.npz"), X=features, y=labels)
    try:
        from scipy.io import savemat

        savemat(os.path.join(folder, "arrays.mat"), {"X": features, "y": labels})
    except ImportError:
        pass
    sys.exit()

start, cpu = time.perf_counter(), time.process_time()
if way == "npy":
    features, labels = (np.load(os.path.join(folder, name)) for name in ("X.npy", "y.npy"))
elif way == "npz":
    arrays = np.load(os.path.join(folder, "arrays.npz"))
    features, labels = arrays["X"], arrays["y"]
else:
    from scipy.io import loadmat

    arrays = loadmat(os.path.join(folder, "arrays.mat"))
    features, labels = arrays["X"], arrays["y"].ravel()
save("saved-X.npy", features)
save("saved-y.npy", labels)
print(json.dumps({"seconds": time.perf_counter() - start, "processorSeconds": time.process_time() - cpu}))
