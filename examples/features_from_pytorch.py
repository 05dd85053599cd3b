"""Write features, labels and class probabilities of a PyTorch model as `modalign` reads them.

Put your encoder, classifier and batches in place of the toys; the rest stays as it is.

    pip install torch numpy
    python examples/features_from_pytorch.py
    modalign probe --train train.npz --test test.npz
    modalign tsne --features test.npz --out map.npy --figure map.svg
    modalign discrepancy --source-probs probs.npy --target-labels labels.npy --holdout
"""

import numpy as np
import torch

torch.manual_seed(0)
encoder = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.GELU()).eval()  # yours: any module
classifier = torch.nn.Linear(32, 10)  # yours: the source model's classes
names = ["cat", "dog", "ship"]
centres = torch.randn(len(names), 64)

for split, n in [("train", 600), ("test", 300)]:
    labels = torch.arange(n) % len(names)
    inputs = torch.randn(n, 64) + 0.5 * centres[labels]  # yours: the target's samples
    with torch.no_grad():
        features = encoder(inputs).float()
    np.savez(f"{split}.npz", features=features.numpy(), labels=labels.numpy(), class_names=names)

with torch.no_grad():
    np.save("probs.npy", classifier(features).softmax(-1).numpy())
np.save("labels.npy", labels.numpy())
