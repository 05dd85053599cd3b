"""Modality knowledge: how far a target modality is from a pretrained model, and what a transfer did to its encoder.

The functions take NumPy arrays: features ``[N, D]``, labels ``[N]``, probabilities ``[N, K]``, as float32 or float64 in
any order of memory, which are borrowed and not copied; and whatever NumPy makes such arrays of (lists, data frames,
tensors of PyTorch). Labels are whole numbers or text. What cannot be measured is a ValueError that says what was
expected and what was found.

>>> import numpy as np, modalign
>>> rng = np.random.default_rng(0)
>>> y = np.repeat(["cat", "dog"], 50)
>>> X = rng.normal(size=(100, 8)) + (y == "dog")[:, None]
>>> round(modalign.silhouette(X, y), 3)
0.173

What is imported first costs a tenth of a second at most: scikit-learn is loaded with the first estimator.
"""

from __future__ import annotations

import importlib
import os

from . import _core

__version__ = _core.__version__

# In which module each name is: loaded when it is asked for.
_PLACES = {
    "alignment": "_measures",
    "cka": "_measures",
    "hscore": "_measures",
    "knn": "_measures",
    "leep": "_scores",
    "logme": "_measures",
    "modality_gap": "_scores",
    "nce": "_scores",
    "otdd": "_scores",
    "silhouette": "_measures",
    "uniformity": "_measures",
    "discrepancy": "_discrepancy",
    "Discrepancy": "_discrepancy",
    "compare": "_compare",
    "Comparison": "_compare",
    "LinearProbe": "_estimators",
    "TSNE": "_estimators",
    "Run": "_run",
    "extract": "_extract",
}

__all__ = [*_PLACES, "__version__"]

# The threads that compute are not in a process that was forked: it makes its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.forked)


def __getattr__(name: str) -> object:
    try:
        place = _PLACES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f".{place}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
