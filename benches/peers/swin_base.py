"""Images per second and memory of Swin-B in PyTorch (CPU): the peer of full-size runs.

The model is Hugging Face's `SwinForImageClassification` with Swin-B's shape (86.8 M parameters,
224 x 224 images, window 7), random weights and 10 classes. `extract` is the pooled feature without
gradients; `train` is forward, cross-entropy, backward and AdamW, with `--checkpointing` recomputing
the blocks in the backward pass. Medians over rounds after one warm-up. Prints one JSON line; the
peak memory is the process's (VmHWM), so measure one mode a process.

    pip install torch transformers
    python benches/peers/swin_base.py --mode train --batch 8 --rounds 5 [--checkpointing] [--threads 2]
"""

import argparse
import json
import re
import statistics
import time
from pathlib import Path

import torch
from transformers import SwinConfig, SwinForImageClassification


def rate(rounds, batch, step):
    step()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return round(batch / statistics.median(times), 3)


def peak_memory_gb():
    status = Path("/proc/self/status").read_text()
    return round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9, 3)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--mode", choices=("extract", "train"), default="extract")
    ap.add_argument("--checkpointing", action="store_true", help="recompute the blocks in the backward pass")
    ap.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of parameters and images")
    ap.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa")
    ap.add_argument("--threads", type=int, default=2)
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    dtype = getattr(torch, args.dtype)
    config = SwinConfig(image_size=224, patch_size=4, embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32],
                        window_size=7, drop_path_rate=0.0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                        num_labels=10)
    model = SwinForImageClassification._from_config(config, attn_implementation=args.attention).to(dtype)
    x, y = torch.randn(args.batch, 3, 224, 224, dtype=dtype), torch.arange(args.batch) % 10
    rates = {"extract_images_per_second": None, "train_images_per_second": None}
    if args.mode == "extract":
        model.eval()

        def extract():
            with torch.no_grad():
                return model.swin(x).pooler_output

        rates["extract_images_per_second"] = rate(args.rounds, args.batch, extract)
    else:
        model.train()
        if args.checkpointing:
            # its name since transformers 5
            getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)

        def train():
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(x).logits.float(), y).backward()
            optimiser.step()

        rates["train_images_per_second"] = rate(args.rounds, args.batch, train)
    print(json.dumps({"engine": f"PyTorch {torch.__version__} ({args.attention})", **rates,
                      "peak_memory_gb": peak_memory_gb(), "threads": args.threads, "batch": args.batch,
                      "dtype": args.dtype, "checkpointing": args.checkpointing, "torch": torch.__version__,
                      "parameters": sum(p.numel() for p in model.parameters())}))


if __name__ == "__main__":
    main()
