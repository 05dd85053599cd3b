"""Write a target modality of your own as `modalign` reads it (the reader `npy`); see own_target.toml.

    pip install numpy
    python examples/own_target.py own
    modalign report --suite examples/own_target.toml --data own
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "own") / "vibration"
folder.mkdir(parents=True, exist_ok=True)
names, random = ["sound", "inner race", "outer race", "ball"], np.random.default_rng(0)

# Yours: 600 windows of 2 accelerometers and 128 points in time, and what was wrong with the bearing.
y = np.arange(600) % len(names)
t = np.arange(128) / 128
tone = np.sin(2 * np.pi * (5 + 4 * y[:, None, None]) * (t + random.random((600, 1, 1))))
x = tone * np.array([1.0, 0.3])[:, None] + 0.5 * random.normal(size=(600, 2, 128))

np.save(folder / "x.npy", x[:, :, None, :].astype(np.float32))  # [N, C, H = 1, W]
np.save(folder / "y.npy", y)
(folder / "classes.txt").write_text("\n".join(names) + "\n")
print(folder)
