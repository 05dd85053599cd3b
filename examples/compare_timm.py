"""Compare encoders of timm on CIFAR-10's test images: which holds its classes best, and beyond noise?

    pip install torch torchvision timm
    python examples/compare_timm.py resnet50.a1_in1k vit_base_patch16_224.augreg_in21k \
        swin_base_patch4_window7_224.ms_in22k --data DATA --out runs/timm

The first model is the reference. Features are written once (OUT-features/MODEL.npz) and kept; the
page of `modalign compare` is the last line that is printed.
"""

import argparse
import subprocess
from pathlib import Path

import torchvision
from pytorch_export import export

ap = argparse.ArgumentParser()
ap.add_argument("models", nargs="+")
ap.add_argument("--data", default="data")
ap.add_argument("--out", default="runs/timm")
ap.add_argument("--modalign", default="modalign")
args = ap.parse_args()

features = Path(f"{args.out}-features")
features.mkdir(parents=True, exist_ok=True)
images = torchvision.datasets.CIFAR10(args.data, train=False, download=True)
files = [features / f"{name.replace('/', '-')}.npz" for name in args.models]
for name, file in zip(args.models, files):
    if not file.exists():
        export(name, images, file)
subprocess.run([args.modalign, "compare", *map(str, files), "--out", args.out], check=True)
