"""t-SNE by modalign, openTSNE and scikit-learn in turn: wall-clock seconds of neighbours and 1,000
iterations at perplexity 30 (for modalign the whole command, its own judging included), and one KL
divergence for all: affinities of openTSNE's exact neighbours, the normaliser over all pairs in double
precision. Prints one JSON line a run, then medians and ratios."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import scipy.sparse
import torch

from claim import claim


def cifar(size):
    """Pixels of CIFAR-10, then of CIFAR-100, as far as they are there."""
    root = pathlib.Path(os.environ.get("MODALIGN_DATA", ""))
    parts = []
    for folder, record, label in (("cifar10", 3073, 1), ("cifar100", 3074, 2)):
        for path in sorted((root / folder).glob("*.bin")):
            data = np.fromfile(path, np.uint8)
            if data.size % record == 0:
                parts.append(data.reshape(-1, record)[:, label:])
    found = sum(len(p) for p in parts)
    return np.concatenate(parts)[:size] if found >= size else None


def features(size):
    pixels = cifar(size) if "MODALIGN_DATA" in os.environ else None
    if pixels is None:
        r = np.random.default_rng(0)
        centres = 3 * r.normal(size=(10, 50))
        return "ten Gaussian clusters", (centres[np.arange(size) % 10] + r.normal(size=(size, 50))).astype(np.float32)
    x = pixels.astype(np.float32) / 255
    x -= x.mean(0)
    _, vectors = np.linalg.eigh((x.T @ x).astype(np.float64))
    return "CIFAR pixels", (x @ vectors[:, ::-1][:, :50]).astype(np.float32)


def affinities(x, perplexity=30):
    """Symmetric p_ij over the 3 · perplexity exact nearest neighbours."""
    from openTSNE.affinity import joint_probabilities_nn

    n, k = len(x), 3 * perplexity
    t = torch.tensor(x, dtype=torch.float64)
    indices, distances = np.empty((n, k), np.int64), np.empty((n, k))
    for i in range(0, n, 1000):
        d = torch.cdist(t[i : i + 1000], t)
        d[torch.arange(len(d)), torch.arange(i, i + len(d))] = torch.inf
        near = d.topk(k, largest=False)
        indices[i : i + 1000], distances[i : i + 1000] = near.indices, near.values
    return scipy.sparse.coo_matrix(joint_probabilities_nn(indices, distances, [perplexity], n_jobs=-1))


def divergence(p, y):
    y = torch.tensor(np.asarray(y, dtype=np.float64))
    z = -float(len(y))
    for i in range(0, len(y), 1000):
        square = (y[i : i + 1000, :1] - y[:, 0]) ** 2 + (y[i : i + 1000, 1:] - y[:, 1]) ** 2
        z += float((1 / (1 + square)).sum())
    row, column = (torch.tensor(v.astype(np.int64)) for v in (p.row, p.col))
    value = torch.tensor(p.data / p.data.sum())
    square = ((y[row] - y[column]) ** 2).sum(1)
    some = value > 0
    return float((value * (value * z * (1 + square)).log())[some].sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modalign", required=True)
    parser.add_argument("--size", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    name, x = features(args.size)
    folder = tempfile.TemporaryDirectory()
    file, out = os.path.join(folder.name, "x.npy"), os.path.join(folder.name, "map.npy")
    np.save(file, x)
    torch.set_num_threads(args.threads)

    def ours(seed):
        command = [args.modalign, "tsne", "--features", file, "--pca", "none", "--seed", str(seed), "--out", out, "--json"]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(args.threads)}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return np.load(out)

    def opentsne(seed):
        from openTSNE import TSNE

        return TSNE(n_jobs=args.threads, n_iter=750, perplexity=30, random_state=seed).fit(x)

    def scikit(seed):
        from sklearn.manifold import TSNE

        return TSNE(n_jobs=args.threads, max_iter=1000, perplexity=30, random_state=seed).fit_transform(x)

    import openTSNE  # noqa: F401  (imports are not timed)
    import sklearn.manifold  # noqa: F401

    engines = {"modalign": ours, "openTSNE": opentsne}
    if args.size <= 10000:
        engines["scikit-learn"] = scikit
    p = affinities(x)
    found = {engine: [] for engine in engines}
    for seed in range(args.rounds):
        for engine, run in engines.items():
            began = time.perf_counter()
            y = run(seed)
            seconds = time.perf_counter() - began
            found[engine].append((seconds, divergence(p, y)))
            row = {"engine": engine, "data": name, "samples": args.size, "seed": seed, "seconds": round(seconds, 2)}
            print(json.dumps({**row, "kl": round(found[engine][-1][1], 4), "load": os.getloadavg()[0]}), flush=True)
    medians = {e: [statistics.median(v) for v in zip(*rows)] for e, rows in found.items()}
    for engine, (seconds, kl) in medians.items():
        ratio, worse = seconds / medians["modalign"][0], medians["modalign"][1] / kl - 1
        print(f"{args.size} × 50, {engine:>12}: {seconds:7.1f} s, KL {kl:.4f}; modalign {ratio:.1f} times as fast, KL {100 * worse:+.2f} %")
        if engine != "modalign":
            goal = {10000: 14, 50000: 12}.get(args.size) if engine == "openTSNE" else None
            kl = "at no higher KL" if worse <= 0.005 else f"at a KL higher by {100 * worse:.1f} %"
            what = f"t-SNE, {args.size:,} × 50, {kl}"
            claim(what, engine, medians["modalign"][0], seconds, "s", less=True, goal=goal)


if __name__ == "__main__":
    main()
