"""Images per second of the cells of `bench.rs` in PyTorch, on the GPU where there is one.

Hugging Face's Swin, AdamW with gradient clipping; MoNA's step by double backward as in
`benches/peers/mona_step.py`. Steps follow each other without a synchronisation; one at the end waits
for all. Prints a JSON line a cell.

    pip install torch transformers
    python benches/gpu/peer.py [--models mini,base] [--modes nft,mona,extract] [--compile]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import SwinConfig, SwinForImageClassification

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))
from mona_step import meta_gradient, parts  # noqa: E402

WARM_UP = 5
SIZES = {
    "mini": dict(image_size=32, patch_size=4, embed_dim=64, depths=[2, 4], num_heads=[2, 4], window_size=4),
    "base": dict(image_size=224, patch_size=4, embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32], window_size=7),
}


def step_of(mode, size, batch, device, compiled):
    """A function that does one step and returns a number on the device."""
    config = SwinConfig(**SIZES[size], drop_path_rate=0.0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=80)
    # double backward needs the attention whose derivative PyTorch can differentiate
    torch.manual_seed(0)
    try:
        model = SwinForImageClassification._from_config(config, attn_implementation="eager" if mode == "mona" else "sdpa")
    except ValueError:
        model = SwinForImageClassification._from_config(config, attn_implementation="eager")
    model = model.to(device)
    side = config.image_size
    host = torch.randn(batch, 3, side, side)
    if device == "cuda":
        host = host.pin_memory()
    y = (torch.arange(batch) % 80).to(device)
    ys = (torch.arange(batch) % 10).to(device)
    x = lambda: host.to(device, non_blocking=True)
    if mode.startswith("extract"):
        half = mode == "extract-f16"
        swin = (model.half() if half else model).eval().swin
        run = torch.compile(swin) if compiled else swin

        def extract():
            with torch.no_grad():
                return run(x().half() if half else x()).pooler_output.float().sum()

        return extract
    if mode == "nft":
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)
        run = torch.compile(model) if compiled else model

        def nft():
            optimiser.zero_grad(set_to_none=True)
            loss = F.cross_entropy(run(x()).logits, y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            return loss.detach()

        return nft
    body, phi, encoder = parts(model)
    optimiser = torch.optim.AdamW(phi, lr=1e-4, weight_decay=0.05)

    def mona():
        optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            tokens = model.swin.embeddings(x())[0]
        inner = meta_gradient(model, body, phi, encoder, (x(), y), (tokens, ys))
        torch.nn.utils.clip_grad_norm_(phi, 1.0)
        optimiser.step()
        return inner

    return mona


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--models", default="mini,base")
    ap.add_argument("--modes", default="nft,mona,extract")
    ap.add_argument("--batch-mini", type=int, default=64)
    ap.add_argument("--batch-base", type=int, default=32)
    ap.add_argument("--rounds", type=int, default=30)
    ap.add_argument("--compile", action="store_true")
    args = ap.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # f32 means f32: the comparison is of equal arithmetic
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    engine = f"PyTorch {torch.__version__} {'compiled' if args.compile else 'eager'} ({name})"
    for size in args.models.split(","):
        batch = args.batch_base if size == "base" else args.batch_mini
        for mode in args.modes.split(","):
            if args.compile and mode == "mona":
                continue  # torch.compile has no double backward
            step = step_of(mode, size, batch, device, args.compile)
            for _ in range(WARM_UP):
                step()
            if device == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            values = [step() for _ in range(args.rounds)]
            torch.stack(values).sum().item()
            rate = args.rounds * batch / (time.perf_counter() - start)
            print(json.dumps({"engine": engine, "model": size, "mode": mode, "batch": batch, "rounds": args.rounds,
                              "images_per_second": round(rate, 2)}), flush=True)


if __name__ == "__main__":
    main()
