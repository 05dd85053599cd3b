#!/usr/bin/env bash
# ViT-B/16 and CLIP ViT-B/32 at 224 × 224, modalign and PyTorch in turn on this machine: feature
# extraction, training step, training step with recomputed activations, both towers forward and with all
# gradients of the contrastive loss, loading; features also in bf16 (PyTorch's whole model in bf16); prints every measurement, the ratios (above 1: we are faster)
# and the peak memory of both.
#
#   benches/vit.sh [PYTHON]            PYTHON has torch and transformers (default python3)
#   BATCH=8 ROUNDS=3 THREADS=2 MODES="extract train"     as wanted
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
export BATCH=${BATCH:-8} ROUNDS=${ROUNDS:-3}
threads=${THREADS:-$(nproc)}
cargo build --release --bench vit 2>/dev/null
bench=$(cargo bench --profile release --bench vit --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
model=$(mktemp -d)
trap 'rm -rf "$model"' EXIT
peer() {
    "$python" benches/peers/vit.py --batch "$BATCH" --rounds "$ROUNDS" --threads "$threads" --model "$model" "$@" 2>/dev/null
}
# What products alone reach here: a step's share of it is 35.2 (features) or 105 (training) GFLOP an image of ViT-B/16.
RAYON_NUM_THREADS=$threads MODE=peak "$bench" --bench >&2
for mode in ${MODES:-extract extract-bf16 train recompute towers towers-bf16 towers-train load}; do
    # The folder that is loaded is written by the peer.
    if [ "$mode" = load ]; then
        peer --mode save
        MODEL=$model RAYON_NUM_THREADS=$threads MODE=load "$bench" --bench
    else
        RAYON_NUM_THREADS=$threads MODE=$mode "$bench" --bench
    fi
    peer --mode "$mode"
done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, os, sys
from claim import claim
batch = ", batch " + os.environ["BATCH"]
words = {"extract": ("features, ViT-B/16" + batch, 1.1), "train": ("training step, ViT-B/16" + batch, 1.1),
         "recompute": ("training step, recomputed, ViT-B/16" + batch, None),
         "towers": ("both towers, CLIP ViT-B/32" + batch, 1.1),
         "extract-bf16": ("features in bf16, ViT-B/16" + batch, None),
         "towers-bf16": ("both towers in bf16, CLIP ViT-B/32" + batch, None),
         "towers-train": ("both towers with all gradients, CLIP ViT-B/32" + batch, 1.1), "load": ("loading CLIP ViT-B/32", None)}
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for ours, peer in zip(rows[::2], rows[1::2]):
    mode, m, n = ours["mode"], ours["peak_memory_gb"], peer["peak_memory_gb"]
    key = "seconds" if mode == "load" else "per_second"
    what, goal = words[mode]
    claim(what, "PyTorch", ours[key], peer[key], "s" if mode == "load" else "a second", less=mode == "load", memory=[m, n], goal=goal)
'
