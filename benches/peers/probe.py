"""scikit-learn's LogisticRegression (L-BFGS) on the data of `benches/probe.sh`, and the data themselves.

Features are like an encoder's: classes in 256 latent directions with a decaying spectrum, mixed, with noise,
through a ReLU, so columns are correlated and classes overlap. Standardised in double precision for both inputs.

    pip install numpy scikit-learn
    python benches/peers/probe.py make FOLDER N D
    python benches/peers/probe.py fit FOLDER C,C,... OBJECTIVE,OBJECTIVE,...    stops at 1 + 1e-6 times each
    python benches/peers/probe.py table LINES.jsonl
"""

import json
import pathlib
import statistics
import sys
import time
import warnings

import numpy as np

from claim import claim

EQUAL = 1e-6


def make(folder, n, d, classes=10, latent=256):
    rng = np.random.default_rng(0)
    scale = (1 + np.arange(latent)) ** -0.5
    means = 0.12 * rng.standard_normal((classes, latent)) * scale
    y = rng.integers(0, classes, n)
    z = means[y] + rng.standard_normal((n, latent)) * scale
    mix = rng.standard_normal((latent, d)) / np.sqrt((scale**2).sum())
    x = z @ mix + 0.3 * rng.standard_normal(d) + 0.1 * rng.standard_normal((n, d))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", np.maximum(x, 0).astype(np.float32))
    np.save(folder / "y.npy", y.astype(np.int64))


def objective(model, x, y, c):
    w, b = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    z = x @ w.T + b
    top = z.max(1)
    losses = top + np.log(np.exp(z - top[:, None]).sum(1)) - z[np.arange(len(y)), y]
    return losses.sum() + (w**2).sum() / (2 * c)


def fit(folder, cs, wanted):
    from sklearn.linear_model import LogisticRegression
    warnings.simplefilter("ignore")
    raw, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    raw = raw.astype(np.float64)
    exact = (raw - raw.mean(0)) / raw.std(0)
    del raw
    for name in ("float32", "float64"):
        x = exact.astype(name)
        kinds = [("cold", [c]) for c in cs] + ([("sweep", cs)] if len(cs) > 1 else [])
        for kind, some in kinds:
            for tolerance in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
                model = LogisticRegression(tol=tolerance, max_iter=5000, warm_start=True)
                seconds, found, iterations = 0.0, [], 0
                for c in some:
                    model.C = c
                    start = time.perf_counter()
                    model.fit(x, y)
                    seconds += time.perf_counter() - start
                    found.append(objective(model, exact, y, c))
                    iterations += int(model.n_iter_[0])
                enough = all(f <= wanted[cs.index(c)] * (1 + EQUAL) for f, c in zip(found, some))
                if enough:
                    break
            print(json.dumps({"engine": f"scikit-learn {name}", "kind": kind, "c": some, "tolerance": tolerance,
                              "seconds": seconds, "objectives": found, "iterations": iterations,
                              "converged": enough}), flush=True)


def table(path):
    rows = [json.loads(line) for line in open(path)]
    key = lambda r: (r["kind"], tuple(r["c"]))
    for case in dict.fromkeys(map(key, rows)):
        here = [r for r in rows if key(r) == case]
        least = [min(o) for o in zip(*(r["objectives"] for r in here))]
        equal = lambda r: all(o <= f * (1 + EQUAL) for o, f in zip(r["objectives"], least))
        best = {}
        for engine in dict.fromkeys(r["engine"] for r in here):
            for tolerance in sorted({r["tolerance"] for r in here if r["engine"] == engine}, reverse=True):
                of = [r for r in here if (r["engine"], r["tolerance"]) == (engine, tolerance)]
                seconds = statistics.median(r["seconds"] for r in of)
                off = max(o / f - 1 for o, f in zip(of[0]["objectives"], least))
                print(f"{case[0]:>5} C {','.join(map(str, case[1])):<16} {engine:<20} tol {tolerance:.0e} "
                      f"{seconds:8.3f} s  {of[0]['iterations']:4d} iterations  "
                      f"objective {of[0]['objectives'][-1]:.6f} (+{off:.1e})")
                if equal(of[0]):
                    best.setdefault(engine, seconds)
        theirs = [s for e, s in best.items() if e.startswith("scikit")]
        if theirs and "modalign" in best:
            what = f"linear probe, {pathlib.Path(path).stem} features, {len(case[1])} values of C, {case[0]}, within {EQUAL:.0e} of the least"
            claim(what, "scikit-learn", best["modalign"], min(theirs), "s", less=True)


if __name__ == "__main__":
    verb, place = sys.argv[1], pathlib.Path(sys.argv[2])
    numbers = lambda text: [float(v) for v in text.split(",")]
    if verb == "make":
        make(place, int(sys.argv[3]), int(sys.argv[4]))
    elif verb == "fit":
        fit(place, numbers(sys.argv[3]), numbers(sys.argv[4]))
    else:
        table(place)
