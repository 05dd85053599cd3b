"""Images (pairs) per second and memory of ViT-B/16 and CLIP ViT-B/32 in PyTorch (CPU): the peer of `benches/vit.rs`.

Hugging Face's `ViTForImageClassification` and `CLIPModel`, random weights, 224 x 224 images, texts of 77 ids, `sdpa`
attention. `extract` and `towers` are features without gradients (with `-bf16` by a model in that type); `train` is forward, cross-entropy, backward and AdamW
(`recompute`: with the blocks recomputed); `towers-train` is the gradients of the contrastive loss at all parameters;
`load` reads what `save` wrote. Medians over rounds after one warm-up. Prints one JSON line; the peak memory is the
process's (VmHWM), so measure one mode a process.

    pip install torch transformers
    python benches/peers/vit.py --mode train --batch 8 --rounds 3 [--threads 2]
"""

import argparse
import json
import re
import statistics
import time
from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPModel, ViTConfig, ViTForImageClassification

MODES = ("extract", "extract-bf16", "train", "recompute", "towers", "towers-bf16", "towers-train", "load", "save")


def rate(rounds, batch, step):
    step()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"per_second": round(batch / statistics.median(times), 3)}


def peak_memory_gb():
    status = Path("/proc/self/status").read_text()
    return round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9, 3)


def one(args):
    model = ViTForImageClassification._from_config(ViTConfig(num_labels=10), attn_implementation="sdpa")
    x, y = torch.randn(args.batch, 3, 224, 224), torch.arange(args.batch) % 10
    if args.mode.startswith("extract"):
        model.eval()
        if args.mode == "extract-bf16":
            model, x = model.to(torch.bfloat16), x.to(torch.bfloat16)

        def extract():
            with torch.no_grad():
                return model.vit(x).last_hidden_state[:, 0]

        return model, rate(args.rounds, args.batch, extract)
    model.train()
    if args.mode == "recompute":
        getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)

    def train():
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(x).logits, y).backward()
        optimiser.step()

    return model, rate(args.rounds, args.batch, train)


def towers(args):
    model = CLIPModel._from_config(CLIPConfig(), attn_implementation="sdpa").eval()
    x = torch.randn(args.batch, 3, 224, 224)
    if args.mode == "towers-bf16":
        model, x = model.to(torch.bfloat16), x.to(torch.bfloat16)
    ids = torch.zeros(args.batch, 77, dtype=torch.long)
    ids[:, :12], ids[:, 0], ids[:, 12] = torch.randint(1, 40_000, (args.batch, 12)), 49_406, 49_407

    def forward():
        with torch.no_grad():
            return model(input_ids=ids, pixel_values=x).logits_per_image

    def train():
        model.zero_grad(set_to_none=True)
        model(input_ids=ids, pixel_values=x, return_loss=True).loss.backward()

    return model, rate(args.rounds, args.batch, train if args.mode == "towers-train" else forward)


def load(args):
    start = time.perf_counter()
    model = CLIPModel.from_pretrained(args.model)
    # What was mapped is read: ours is in memory too.
    sum(p.sum().item() for p in model.parameters())
    return model, {"seconds": round(time.perf_counter() - start, 3)}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--mode", choices=MODES, default="extract")
    ap.add_argument("--model", help="folder of load and save")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.mode == "save":
        CLIPModel(CLIPConfig()).save_pretrained(args.model)
        return
    run = {"load": load, "towers": towers, "towers-bf16": towers, "towers-train": towers}.get(args.mode, one)
    model, found = run(args)
    print(json.dumps({"engine": f"PyTorch {torch.__version__}", "mode": args.mode, **found, "peak_memory_gb": peak_memory_gb(),
                      "threads": args.threads, "batch": args.batch, "parameters": sum(p.numel() for p in model.parameters())}))


if __name__ == "__main__":
    main()
