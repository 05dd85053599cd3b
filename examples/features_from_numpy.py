"""Write features that you have as NumPy arrays or in a pandas data frame as `modalign` reads them.

    pip install numpy pandas pyarrow
    python examples/features_from_numpy.py
    modalign probe --train train.npz --test test.parquet
"""

import numpy as np
import pandas as pd

random = np.random.default_rng(0)
names = ["cat", "dog", "ship"]
centres = random.normal(size=(len(names), 32))


def features(n):  # yours: any [N, D] floats and [N] integers from 0
    labels = np.arange(n) % len(names)
    return (centres[labels] + random.normal(size=(n, 32))).astype(np.float32), labels


x, y = features(600)
np.savez("train.npz", features=x, labels=y, class_names=names)

# A data frame: numbered columns, the label, and perhaps the class's name and an id of the sample.
x, y = features(300)
frame = pd.DataFrame(x, columns=[f"f{j}" for j in range(x.shape[1])])
frame.assign(label=y, class_name=[names[k] for k in y], id=[f"img{i}" for i in range(len(y))]).to_parquet("test.parquet")
