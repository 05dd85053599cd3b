"""The command in the wheel: it ends as the program ends, with its words and codes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import modalign as m
import numpy as np
import pytest


def test_version_help_and_faults(modalign):
    assert modalign("--version").stdout == f"modalign {m.__version__}\n"
    assert "Fine-tune" not in modalign("probe", "--help").stdout
    refused = modalign("probe", "--train", "missing.npz", "--test", "missing.npz", code=1)
    assert refused.stderr.startswith("modalign: missing.npz") and refused.stdout == ""
    assert "unexpected argument" in modalign("probe", "--magic", code=2).stderr
    assert subprocess.run([sys.executable, "-m", "modalign", "--version"], capture_output=True, text=True).stdout.startswith("modalign")


def test_output_that_nobody_reads_to_the_end_is_no_fault():
    run = f"{sys.executable} -m modalign man | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", run], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("sort", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_knows_no_signals_ends_by_them(tmp_path, sort):
    X = np.random.default_rng(0).normal(size=(900, 20))
    np.save(tmp_path / "x.npy", X)
    line = [sys.executable, "-m", "modalign", "tsne", "--features", tmp_path / "x.npy", "--iterations", "100000000",
            "--out", tmp_path / "map.npy"]  # fmt: skip
    with subprocess.Popen(line) as run:
        time.sleep(3)
        run.send_signal(sort)
        assert run.wait(timeout=20) == -sort
    assert not (tmp_path / "map.npy").exists()


def test_models_are_asked_as_python_asks_them(modalign, tmp_path):
    images = np.random.default_rng(0).normal(size=(5, 3, 32, 32)).astype(np.float32)
    np.savez(tmp_path / "in.npz", pixels=images)
    modalign("extract", "--model", "demo", "--tensor", f"{tmp_path / 'in.npz'}:pixels", "--outputs", "pooled,logits",
             "--out", tmp_path / "out.npz")  # fmt: skip
    theirs = np.load(tmp_path / "out.npz")
    own = m.extract("demo", images, ["pooled", "logits"])
    for name in ("pooled", "logits"):
        assert own[name].dtype == np.float32 and np.array_equal(own[name], theirs[name])
    modalign("extract", "--model", "demo", "--tensor", f"{tmp_path / 'in.npz'}:pixels", "--outputs", "layers", "--out",
             tmp_path / "layers.npz")  # fmt: skip
    layers = m.extract("demo", images, "layers")
    both = np.load(tmp_path / "layers.npz")
    assert list(layers) == sorted(both.files) and all(np.array_equal(layers[name], both[name]) for name in layers)
    turned = np.asfortranarray(images.astype(np.float64))
    assert np.array_equal(m.extract("demo", turned), theirs["pooled"])
    cases = [
        ("demo", images[:, :1], r"images: expected \[N, 3, H, W\]"),
        ("demo", images[0], r"images: expected an array \[N, C, H, W\]"),
        ("demo", (255 * images).astype(np.uint8), "images: expected floats, prepared"),
        ("demo", images * np.nan, "images: expected finite numbers"),
        (str(tmp_path / "none"), images, "none"),
    ]
    for model, batch, words in cases:
        with pytest.raises(ValueError, match=words):
            m.extract(model, batch)
    with pytest.raises(ValueError, match="outputs: expected some of embedded, pooled, logits, last_hidden_state"):
        m.extract("demo", images, "magic")


def test_torch_images_are_arrays():
    torch = pytest.importorskip("torch")
    images = torch.zeros(2, 3, 32, 32)
    assert np.array_equal(m.extract("demo", images), m.extract("demo", images.numpy()))


def test_a_sweep_starts_the_command_again(modalign, tmp_path):
    """Over several devices a sweep is several processes of this program: the script of the wheel."""
    if not (Path(sys.executable).parent / "modalign").exists():
        pytest.skip("the package is not installed")
    refused = modalign("sweep", "--suite", "demo", "--out", tmp_path / "run", "--device", "magic,spell", code=1)
    assert "magic" in refused.stderr and "spell" in refused.stderr and "unexpected argument" not in refused.stderr, refused.stderr
