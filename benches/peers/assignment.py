"""The peer's side of benches/discrepancy.sh, and its files.

costs KIND ROWS COLUMNS FILE    writes a cost matrix: random, error (1 - p of softmax outputs), nll (-log p)
solve FILE ROUNDS               scipy.optimize.linear_sum_assignment, one JSON line a round
probs ROWS COLUMNS DTYPE FILE   writes softmax-like rows, block by block
read FILE                       numpy.load(mmap).sum() and a plain read, one JSON line
cold FILE                       a plain read of a file that was not cached, which it is not afterwards either
"""

import json
import os
import sys
import time

import numpy


def costs(kind, rows, columns, path):
    rng = numpy.random.default_rng(0)
    if kind == "random":
        cost = rng.random((rows, columns))
    else:
        logits = rng.normal(size=(rows, columns))
        logits[numpy.arange(rows), rng.permutation(columns)[:rows]] += 2
        p = numpy.exp(3 * logits)
        p /= p.sum(1, keepdims=True)
        cost = 1 - p if kind == "error" else -numpy.log(numpy.maximum(p, 1e-12))
    numpy.save(path, cost)


def solve(path, rounds):
    from scipy.optimize import linear_sum_assignment

    cost = numpy.load(path)
    for _ in range(rounds):
        start = time.perf_counter()
        rows, columns = linear_sum_assignment(cost)
        seconds = time.perf_counter() - start
        total = cost[rows, columns].sum()
        print(json.dumps({"engine": "scipy", "seconds": seconds, "total": total}))


def probs(rows, columns, dtype, path):
    rng = numpy.random.default_rng(0)
    out = numpy.lib.format.open_memmap(path, "w+", dtype, (rows, columns))
    noise = numpy.exp(2 * rng.normal(size=(1024, columns))).astype("f4")
    for first in range(0, rows, 1024):
        block = noise[: min(1024, rows - first)] * rng.random(columns).astype("f4")
        out[first : first + len(block)] = block / block.sum(1, keepdims=True)
    out.flush()


def read(path):
    start = time.perf_counter()
    total = numpy.load(path, mmap_mode="r").sum(dtype="f8")
    summed = time.perf_counter() - start
    print(json.dumps({"engine": "numpy", "sum_seconds": summed, "read_seconds": plain(path), "total": float(total)}))


def plain(path):
    buffer = bytearray(1 << 23)
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - start


def forget(path):
    """Has the system drop this one file from its cache (Linux; needs no rights)."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold(path):
    forget(path)
    seconds = plain(path)
    forget(path)
    print(json.dumps({"engine": "python", "cold_read_seconds": seconds}))


verb, *rest = sys.argv[1:]
if verb == "costs":
    costs(rest[0], int(rest[1]), int(rest[2]), rest[3])
elif verb == "solve":
    solve(rest[0], int(rest[1]))
elif verb == "probs":
    probs(int(rest[0]), int(rest[1]), rest[2], rest[3])
elif verb == "cold":
    cold(rest[0])
else:
    read(rest[0])
