"""Data that several tests take: labelled features and probabilities, the same numbers in either precision."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def features():
    """Features [N, D] in single precision and labels: four classes that overlap, row 7 zero throughout."""
    rng = np.random.default_rng(5)
    y = np.repeat(np.arange(4), 60)
    X = rng.normal(size=(240, 21)).astype(np.float32) + 0.8 * np.eye(4, 21, dtype=np.float32)[y]
    return X, y


@pytest.fixture
def probabilities():
    """Probabilities [N, Ks] of seven source classes, in double precision, and labels of three target classes."""
    rng = np.random.default_rng(6)
    y = rng.integers(0, 3, size=200)
    logits = rng.normal(size=(200, 7)) + 1.5 * np.eye(3, 7)[y]
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True), y


def layouts(X):
    """The same numbers in both precisions and in several orders of memory."""
    for dtype in (np.float32, np.float64):
        x = X.astype(dtype)
        twice = np.zeros((2 * len(x), x.shape[1] + 3), dtype=dtype)
        twice[::2, 3:] = x
        yield f"{dtype.__name__}, C", np.ascontiguousarray(x)
        yield f"{dtype.__name__}, Fortran", np.asfortranarray(x)
        yield f"{dtype.__name__}, every second row", twice[::2, 3:]
        yield f"{dtype.__name__}, backwards", np.ascontiguousarray(x[::-1])[::-1]


@pytest.fixture
def modalign():
    """Runs the command of the wheel; gives what it printed, as JSON with ``--json``."""
    beside = Path(sys.executable).parent / "modalign"
    program = str(beside) if beside.exists() else shutil.which("modalign")

    def run(*arguments, code=0, **more):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=600, **more)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if "--json" in arguments and code == 0 else done

    return run
