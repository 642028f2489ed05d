"""Reads a CSV file of numbers with a header; prints seconds of the processor and of the clock as JSON.

load_csv.py numpy|csv <path>
"""
import csv
import json
import sys
import time

import numpy as np

way, path = sys.argv[1:]
start, cpu = time.perf_counter(), time.process_time()
if way == "numpy":
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    rows = len(table)
else:
    rows = 0
    with open(path, newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            values = [float(value) for value in row]
            rows += 1
print(
    json.dumps(
        {"seconds": time.perf_counter() - start, "processorSeconds": time.process_time() - cpu, "rows": rows}
    )
)
