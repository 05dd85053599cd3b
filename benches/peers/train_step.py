"""Images per second of the same small Swin in PyTorch (CPU): the peer of `benches/train_step.rs`.

The model is Hugging Face's `SwinForImageClassification`, so shapes, windows, shifts and losses are
the same; AdamW with gradient clipping, batch 64 of 32 x 32 images. Prints one JSON line.

    pip install torch transformers
    python benches/peers/train_step.py [--seconds 6] [--threads 2]
"""

import argparse
import json
import time

import torch
from transformers import SwinConfig, SwinForImageClassification


def rate(seconds, batch, step):
    for _ in range(3):
        step()
    start, times = time.perf_counter(), []
    while time.perf_counter() - start < seconds:
        t = time.perf_counter()
        step()
        times.append(time.perf_counter() - t)
    return batch / sorted(times)[len(times) // 2]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seconds", type=float, default=6.0)
    ap.add_argument("--threads", type=int, default=2)
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    config = SwinConfig(image_size=32, patch_size=4, embed_dim=64, depths=[2, 4], num_heads=[2, 4], window_size=4,
                        drop_path_rate=0.0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=80)
    best = {}
    for attention in ("sdpa", "eager"):
        torch.manual_seed(0)
        try:
            model = SwinForImageClassification._from_config(config, attn_implementation=attention)
        except ValueError:
            continue  # this version has one implementation only
        batch = 64
        x, y = torch.randn(batch, 3, 32, 32), torch.arange(batch) % 80
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)

        def train():
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(x).logits, y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

        def extract():
            with torch.no_grad():
                model.swin(x)

        model.train()
        t = rate(args.seconds, batch, train)
        model.eval()
        e = rate(args.seconds / 2, batch, extract)
        best = {"engine": f"PyTorch {torch.__version__} ({attention})", "threads": args.threads,
                "parameters": sum(p.numel() for p in model.parameters()),
                "train_images_per_s": max(round(t, 1), best.get("train_images_per_s", 0)),
                "extract_images_per_s": max(round(e, 1), best.get("extract_images_per_s", 0))}
    print(json.dumps(best))


if __name__ == "__main__":
    main()
