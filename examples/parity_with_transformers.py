"""Check `modalign extract` against Hugging Face transformers on Swins of random shapes and weights.

Builds each model in PyTorch, saves its folder and a random input, runs the program on them, and
prints the largest error of every output relative to the output's largest value.

    pip install torch transformers safetensors
    python examples/parity_with_transformers.py [--modalign target/release/modalign] [--seed 1]
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import SwinConfig, SwinForImageClassification

SHAPES = [
    dict(image_size=32, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[3, 6], window_size=4),
    dict(image_size=56, patch_size=2, embed_dim=16, depths=[2, 2, 2], num_heads=[1, 2, 4], window_size=7),
    dict(image_size=44, patch_size=4, embed_dim=32, depths=[3, 1], num_heads=[4, 8], window_size=5, mlp_ratio=2.0),
    dict(image_size=32, patch_size=2, embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=4, qkv_bias=False),
    dict(image_size=48, patch_size=4, embed_dim=20, depths=[1, 2], num_heads=[5, 5], window_size=3, num_channels=5),
]
OUTPUTS = ["embedded", "pooled", "logits", "last_hidden_state"]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--modalign", default="target/release/modalign")
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    worst = 0.0
    for shape in SHAPES:
        config = SwinConfig(num_labels=7, **shape)
        model = SwinForImageClassification(config).eval()
        with torch.no_grad():
            for p in model.parameters():  # no term may hide behind a zero or a one
                p.add_(torch.randn_like(p) * 0.2 / max(p.shape[-1], 16) ** 0.25)
        pixels = torch.randn(3, config.num_channels, shape["image_size"], shape["image_size"])
        with torch.no_grad():
            base = model.swin(pixels)
            want = dict(embedded=model.swin.embeddings(pixels)[0], pooled=base.pooler_output,
                        last_hidden_state=base.last_hidden_state, logits=model(pixels).logits)
        with tempfile.TemporaryDirectory() as home:
            model.save_pretrained(home)
            save_file({"x": pixels}, Path(home) / "in.safetensors")
            out = Path(home) / "out.safetensors"
            subprocess.run([args.modalign, "extract", "--model", home, "--tensor", f"{home}/in.safetensors:x",
                            "--outputs", ",".join(OUTPUTS), "--out", str(out)], check=True)
            found = load_file(out)
        errors = {k: float((found[k] - want[k]).abs().max() / want[k].abs().max()) for k in OUTPUTS}
        worst = max(worst, *errors.values())
        print(shape, {k: f"{v:.1e}" for k, v in errors.items()})
    print(f"largest relative error: {worst:.1e}")
    assert worst < 1e-4


if __name__ == "__main__":
    main()
