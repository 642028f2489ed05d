"""scikit-learn's streaming linear classifier over a memory-mapped row file: the peer of `npm run bench -- ssgd`.

usage: sgd_classifier.py TRAIN N TEST NT D EPOCHS LOSS CHUNK_ROWS
prints one JSON object: seconds of training (without process start), test accuracy, peak resident bytes
"""
import json
import sys
import time

import numpy as np
from sklearn.linear_model import SGDClassifier

train, test, loss = sys.argv[1], sys.argv[3], sys.argv[7]
n, nt, d, epochs, chunk_rows = (int(sys.argv[i]) for i in (2, 4, 5, 6, 8))

rows = np.memmap(train, np.uint8, "r", shape=(n, d + 1))
model = SGDClassifier(loss=loss, alpha=1e-4, random_state=0)
rng = np.random.default_rng(0)
start = time.perf_counter()
for epoch in range(epochs):
    # Chunks in random order, shuffled inside: the sequential reading this class is documented for.
    for first in rng.permutation(np.arange(0, n, chunk_rows)):
        chunk = rng.permutation(rows[first : first + chunk_rows])
        model.partial_fit(chunk[:, :d] / 255.0, chunk[:, d], classes=np.arange(10))
seconds = time.perf_counter() - start

rows = np.memmap(test, np.uint8, "r", shape=(nt, d + 1))
accuracy = model.score(rows[:, :d] / 255.0, rows[:, d])
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "accuracy": accuracy, "peakRssBytes": peak}))
