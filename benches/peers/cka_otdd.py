"""CKA by thingsvision and OTDD as Microsoft's `otdd` computes it, on the data of `benches/cka_otdd.sh`.

CKA is thingsvision's own class (CKATorch, biased and unbiased), loaded from its file because the package pins an
old PyTorch. `otdd` is not on PyPI: here is its algorithm with its defaults (Gaussian label distances by
eigendecomposition, geomloss.SamplesLoss, p = 2, entreg = 0.1, debiased), in PyTorch and geomloss as it calls them.

    pip install numpy torch geomloss; pip install --no-deps thingsvision
    python benches/peers/cka_otdd.py make FOLDER cka|otdd N D
    python benches/peers/cka_otdd.py cka|otdd FOLDER
"""

import importlib.util
import json
import pathlib
import sys
import time
import types

import numpy as np
import torch


def make(folder, what, n, d, classes=10):
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    scale = (1 + np.arange(d)) ** -0.5
    if what == "cka":
        z = rng.standard_normal((n, d)) * scale
        parts = {"x": z @ rng.standard_normal((d, d)), "z": np.tanh(z @ rng.standard_normal((d, d)))}
    else:
        parts = {}
        for name, label in (("x", "y"), ("z", "w")):
            means = rng.standard_normal((classes, d)) * scale
            y = rng.permutation(np.arange(n) % classes)
            np.save(folder / f"{label}.npy", y.astype(np.int64))
            parts[name] = means[y] + rng.standard_normal((n, d)) * scale
    for name, value in parts.items():
        np.save(folder / f"{name}.npy", value.astype(np.float32))


def thingsvision():
    """Its two files about CKA, without the rest of the package; None where it is not installed."""
    for place in map(pathlib.Path, sys.path):
        home = place / "thingsvision" / "core" / "cka"
        if home.is_dir():
            sys.modules.setdefault("cka", types.ModuleType("cka")).__path__ = [str(home)]
            if importlib.util.find_spec("torchtyping") is None:  # annotations only
                names = types.ModuleType("torchtyping")
                names.TensorType = type("TensorType", (), {"__class_getitem__": classmethod(lambda c, k: c)})
                sys.modules["torchtyping"] = names
            return importlib.import_module("cka.cka_torch").CKATorch
    return None


def cka(folder):
    peer = thingsvision()
    if peer is None:
        sys.exit("thingsvision is not installed: pip install --no-deps thingsvision")
    x, z = (torch.tensor(np.load(folder / f"{name}.npy")) for name in "xz")
    row = {"measure": "cka", "engine": "thingsvision"}
    for name, unbiased in (("biased", False), ("debiased", True)):
        start = time.perf_counter()
        row[name] = float(peer(m=len(x), kernel="linear", unbiased=unbiased).compare(x, z))
        row[f"{name}_seconds"] = time.perf_counter() - start
    print(json.dumps(row))


def root(m):
    values, vectors = torch.linalg.eigh(m)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def otdd(folder):
    from geomloss import SamplesLoss
    # Single precision is its default.
    x, z = (torch.tensor(np.load(folder / f"{name}.npy")) for name in "xz")
    y, w = (torch.tensor(np.load(folder / f"{name}.npy")) for name in "yw")
    start = time.perf_counter()
    groups = [x[y == c] for c in y.unique()] + [z[w == c] for c in w.unique()]
    means, covariances = [g.mean(0) for g in groups], [torch.cov(g.T) for g in groups]
    roots = [root(s) for s in covariances]
    labels = torch.zeros(len(groups), len(groups))
    for i in range(len(groups)):
        for j in range(i):
            cross = root(roots[i] @ covariances[j] @ roots[i])
            bures = torch.trace(covariances[i] + covariances[j] - 2 * cross).clamp(min=0)
            labels[i, j] = labels[j, i] = ((means[i] - means[j]) ** 2).sum() + bures

    def cost(a, b):
        u, v = a[..., :-1], b[..., :-1]
        # geomloss's squared_distances, which newer releases no longer export
        features = ((u * u).sum(-1)[..., :, None] - 2 * u @ v.mT + (v * v).sum(-1)[..., None, :]) / 2
        pairs = labels[a[0, :, -1].long()][:, b[0, :, -1].long()]
        return features + pairs / 2

    source = torch.cat([x, y[:, None].float()], 1)
    target = torch.cat([z, (w + len(y.unique()))[:, None].float()], 1)
    loss = SamplesLoss("sinkhorn", p=2, cost=cost, debias=True, blur=0.1**0.5, backend="tensorized")
    value = loss(source, target).item()
    print(json.dumps({"measure": "otdd", "engine": "geomloss as otdd", "seconds": time.perf_counter() - start,
                      "value": value}))


if __name__ == "__main__":
    verb, place = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "make":
        make(place, sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        {"cka": cka, "otdd": otdd}[verb](place)
