"""Write features, labels and class names of a timm model on a torchvision dataset as `modalign` reads them.

    pip install torch torchvision timm
    python examples/pytorch_export.py resnet50.a1_in1k --data DATA --out resnet50.npz
    modalign tsne --features resnet50.npz --out map.npy --figure map.svg
"""

import argparse

import numpy as np
import timm
import torch
import torchvision


def export(name, dataset, out, pretrained=True, batch=64):
    """Pooled features of every sample, in the dataset's order: sample i is row i for every model."""
    model = timm.create_model(name, pretrained=pretrained, num_classes=0).eval()
    dataset.transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    features, labels = [], []
    with torch.inference_mode():
        for images, classes in torch.utils.data.DataLoader(dataset, batch_size=batch):
            features.append(model(images).float().numpy())
            labels.append(classes.numpy())
    np.savez(out, features=np.concatenate(features), labels=np.concatenate(labels), class_names=dataset.classes)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("model", help="a name of timm.list_models(pretrained=True)")
    ap.add_argument("--data", default="data", help="folder with CIFAR-10, fetched if it is not there")
    ap.add_argument("--out", default="features.npz")
    args = ap.parse_args()
    export(args.model, torchvision.datasets.CIFAR10(args.data, train=False, download=True), args.out)
