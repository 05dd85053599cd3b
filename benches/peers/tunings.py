"""Steps that tune CLIP ViT-B/32 while its towers stay, in PyTorch (CPU), and the product behind retrieval in NumPy: the peer
of `benches/tunings.rs`.

`harma` is a step of gated adapters (the paper's form, shared by both towers) on the contrastive loss, `prompts` one of MmAP's
prompts on the cross-entropy over texts of classes, both with AdamW; Hugging Face's `CLIPModel` with random weights and
PyTorch's fused attention. `retrieval` is the matrix of cosines alone, in single precision. Medians over rounds after one
warm-up. Prints one JSON line; the peak memory is the process's (VmHWM), so measure one mode a process.

    pip install torch transformers
    python benches/peers/tunings.py --mode harma --batch 8 --rounds 3 [--threads 2]
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPConfig, CLIPModel

from vit import peak_memory_gb, rate

RANK, SHARED, HEADS = 128, 64, 8


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(-3, -2) for t in self.inner(x).chunk(3, -1))
        return self.outer(F.scaled_dot_product_attention(q, k, v).transpose(-3, -2).flatten(-2))


class Share(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.attention, self.up = nn.Linear(RANK, SHARED), Attention(SHARED), nn.Linear(SHARED, RANK)
        self.gate = nn.Parameter(torch.tensor(0.6))

    def forward(self, h):
        gate = torch.sigmoid(self.gate)
        return gate * self.up(self.attention(F.gelu(self.down(h)))) + (1 - gate) * h


class Adapter(nn.Module):
    def __init__(self, width, share):
        super().__init__()
        self.down, self.attention, self.up = nn.Linear(width, RANK), Attention(RANK), nn.Linear(RANK, width)
        nn.init.zeros_(self.up.weight), nn.init.zeros_(self.up.bias)
        self.gate, self.outer, self.share = nn.Parameter(torch.tensor(0.6)), nn.Parameter(torch.tensor(0.6)), share

    def forward(self, m):
        first = F.gelu(self.down(m))
        third = self.share(self.attention(first))
        gate, outer = torch.sigmoid(self.gate), torch.sigmoid(self.outer)
        out = m + self.up(gate * self.attention(third) + (1 - gate) * first)
        return outer * out + (1 - outer) * m


def through(layers, x, mask, adapters=None, prompts=None):
    for i, layer in enumerate(layers):
        if prompts and i:
            x = prompts(i, x)
        attention, h = layer.self_attn, layer.layer_norm1(x)
        split = lambda t: t.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
        q, k, v = split(attention.q_proj(h)), split(attention.k_proj(h)), split(attention.v_proj(h))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=mask).transpose(-3, -2).flatten(-2)
        x = x + attention.out_proj(a)
        m = layer.mlp(layer.layer_norm2(x))
        x = x + (adapters[i](m) if adapters else m)
    return x


def image_embeds(clip, pixels, adapters=None, prompts=None):
    tower = clip.vision_model
    x = tower.embeddings(pixels)
    if prompts:
        x = torch.cat([x, prompts[0].expand(len(x), -1, -1)], 1)
    last = prompts and (lambda i, x: torch.cat([x[:, : -len(prompts[i])], prompts[i].expand(len(x), -1, -1)], 1))
    x = through(tower.encoder.layers, tower.pre_layrnorm(x), False, adapters, last)
    return F.normalize(clip.visual_projection(tower.post_layernorm(x[:, 0])), dim=-1)


def text_embeds(clip, ids, adapters=None, prompts=None):
    tower = clip.text_model
    x = tower.embeddings.token_embedding(ids)
    places = lambda x, q: torch.cat([x[:, :1], q.expand(len(x), -1, -1), x[:, 1 + len(q) :]], 1)
    if prompts:
        x = places(x, prompts[0])
    x = x + tower.embeddings.position_embedding.weight[: x.shape[1]]
    x = through(tower.encoder.layers, x, True, adapters, prompts and (lambda i, x: places(x, prompts[i])))
    x = tower.final_layer_norm(x)[torch.arange(len(x)), ids.argmax(-1)]
    return F.normalize(clip.text_projection(x), dim=-1)


def texts(rows, prompt=0):
    ids = torch.zeros(rows, 77, dtype=torch.long)
    ids[:, : 12 + prompt], ids[:, 0], ids[:, 12 + prompt] = torch.randint(1, 40_000, (rows, 12 + prompt)), 49_406, 49_407
    return ids


def tuned(args):
    clip = CLIPModel._from_config(CLIPConfig(), attn_implementation="sdpa").eval().requires_grad_(False)
    x, y = torch.randn(args.batch, 3, 224, 224), torch.arange(args.batch) % args.classes
    if args.mode == "harma":
        share = nn.ModuleList(Share() for _ in range(12))
        image = nn.ModuleList(Adapter(768, one) for one in share)
        text = nn.ModuleList(Adapter(512, one) for one in share)
        temperature = nn.Parameter(torch.tensor(0.07))
        own = [*dict.fromkeys([*image.parameters(), *text.parameters(), temperature])]
        ids = texts(args.batch)

        def loss():
            scores = image_embeds(clip, x, image) @ text_embeds(clip, ids, text).T / temperature
            truth = torch.arange(len(x))
            return (F.cross_entropy(scores, truth) + F.cross_entropy(scores.T, truth)) / 2

    else:
        source = nn.Parameter(torch.randn(2, 2) * 0.14)
        scales = [[nn.Parameter(torch.randn(2, width // 2) * 0.14) for _ in range(12)] for width in (768, 512)]
        own = [source, *scales[0], *scales[1]]
        ids = texts(args.classes, 4)

        def loss():
            image, text = ([torch.kron(k, source) for k in tower] for tower in scales)
            scores = image_embeds(clip, x, prompts=image) @ text_embeds(clip, ids, prompts=text).T
            return F.cross_entropy(scores * clip.logit_scale.exp(), y)

    optimiser = torch.optim.AdamW(own, lr=1e-4, weight_decay=0.04)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return sum(p.numel() for p in own), rate(args.rounds, args.batch, step)


def product(args):
    rng = np.random.default_rng(0)
    images, captions = (rng.normal(size=(n, 512)).astype(np.float32) for n in (args.pictures, args.captions))
    return 512, rate(args.rounds, args.pictures * args.captions, lambda: images @ captions.T)


def main():
    ap = argparse.ArgumentParser()
    for name, default in (("batch", 8), ("rounds", 3), ("threads", 2), ("classes", 65), ("pictures", 5000), ("captions", 25_000)):
        ap.add_argument(f"--{name}", type=int, default=default)
    ap.add_argument("--mode", choices=("harma", "prompts", "retrieval"), default="harma")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    parameters, found = product(args) if args.mode == "retrieval" else tuned(args)
    print(json.dumps({"engine": f"PyTorch {torch.__version__}", "mode": args.mode, **found, "peak_memory_gb": peak_memory_gb(),
                      "threads": args.threads, "batch": args.batch, "parameters": parameters}))


if __name__ == "__main__":
    main()
