"""Seconds of MoNA's stage-1 step by PyTorch's double backward (CPU), beside a fine-tuning step.

The same small Swin and batch as `mona_step.rs`: 0.94 M parameters, 64 images of 32 x 32 for the
target and as many for the source. The step is the exact meta-gradient through K inner SGD steps of the encoder (K = 1 is
the paper's) that are kept differentiable (`create_graph`): alignment and uniformity of source features through the
stepped encoder, one backward to the embedder. Medians over rounds; prints one JSON line; the peak
memory is the process's (VmHWM).

    pip install torch transformers
    python benches/peers/mona_step.py [--mode both|nft|mona] [--steps 1] [--rounds 15] [--threads 2]
"""

import argparse
import json
import re
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import SwinConfig, SwinForImageClassification


def medians(rounds, steps):
    """Median seconds of every step; they take turns, as in `mona_step.rs`."""
    times = {name: [] for name in steps}
    for _ in range(2 + rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return {name: round(statistics.median(t[2:]), 5) for name, t in times.items()}


def outer_loss(features, labels):
    z = F.normalize(features, dim=1)
    square = torch.cdist(z, z).pow(2)
    upper = torch.ones_like(square, dtype=torch.bool).triu(1)
    same = upper & (labels[:, None] == labels[None])
    return square[same].mean() + (-2 * square[upper]).exp().mean().log()


def parts(model):
    """The encoder's parameters by name, the embedder's, and the encoder as a module of embedded tokens."""
    swin = model.swin
    body = {f"swin.{k}": v for k, v in swin.named_parameters() if not k.startswith("embeddings")}
    side = model.config.image_size // model.config.patch_size

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.swin = swin

        def forward(self, tokens):
            return self.swin.layernorm(self.swin.encoder(tokens, (side, side)).last_hidden_state).mean(1)

    return body, list(swin.embeddings.parameters()), Encoder()


def meta_gradient(model, body, phi, encoder, targets, source):
    """The first inner loss; the exact meta-gradient is left at `phi`. Batches are (inputs, labels), the source's embedded."""
    (tokens, ys), state, first = source, dict(body), None
    for x, y in targets:
        inner = F.cross_entropy(torch.func.functional_call(model, state, (x,)).logits, y)
        first = inner if first is None else first
        grads = torch.autograd.grad(inner, list(state.values()), create_graph=True)
        state = {k: p - 1e-3 * g for (k, p), g in zip(state.items(), grads)}
    features = torch.func.functional_call(encoder, state, (tokens,))
    total = first + 0.5 * outer_loss(features, ys)
    for p, g in zip(phi, torch.autograd.grad(total, phi)):
        p.grad = g
    return first.detach()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--mode", choices=("both", "nft", "mona"), default="both")
    ap.add_argument("--steps", type=int, default=1, help="K, inner steps")
    ap.add_argument("--rounds", type=int, default=15)
    ap.add_argument("--threads", type=int, default=2)
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = SwinConfig(image_size=32, patch_size=4, embed_dim=64, depths=[2, 4], num_heads=[2, 4], window_size=4,
                        drop_path_rate=0.0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=80)
    # double backward needs the attention whose derivative PyTorch can differentiate
    model = SwinForImageClassification._from_config(config, attn_implementation="eager")
    x, xs = torch.randn(64, 3, 32, 32), torch.randn(64, 3, 32, 32)
    y, ys = torch.arange(64) % 80, torch.arange(64) % 10
    steps = {}
    if args.mode != "mona":
        whole = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)

        def nft():
            whole.zero_grad(set_to_none=True)
            F.cross_entropy(model(x).logits, y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            whole.step()

        steps["nft_seconds"] = nft
    if args.mode != "nft":
        body, phi, encoder = parts(model)
        with torch.no_grad():
            tokens = model.swin.embeddings(xs)[0]
        optimiser = torch.optim.AdamW(phi, lr=1e-4, weight_decay=0.05)

        def mona():
            optimiser.zero_grad(set_to_none=True)
            meta_gradient(model, body, phi, encoder, [(x, y)] * args.steps, (tokens, ys))
            torch.nn.utils.clip_grad_norm_(phi, 1.0)
            optimiser.step()

        steps["mona_seconds"] = mona
    result = {"nft_seconds": None, "mona_seconds": None, **medians(args.rounds, steps)}
    if args.mode == "both":
        result["ratio"] = round(result["mona_seconds"] / result["nft_seconds"], 3)
    status = Path("/proc/self/status").read_text()
    peak = round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9, 3)
    print(json.dumps({"engine": f"PyTorch {torch.__version__}", "threads": args.threads, "mode": args.mode, "steps": str(args.steps), **result, "peak_memory_gb": peak}))


if __name__ == "__main__":
    main()
