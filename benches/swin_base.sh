#!/usr/bin/env bash
# Swin-B at 224 × 224, modalign and PyTorch in turn on this machine: feature extraction (also in
# bf16), training step, training step with recomputed activations; prints every measurement, the ratios (above 1:
# we are faster) and the peak memory of both.
#
#   benches/swin_base.sh [PYTHON]      PYTHON has torch and transformers (default python3)
#   BATCH=8 ROUNDS=3 THREADS=2         as wanted
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
export BATCH=${BATCH:-8} ROUNDS=${ROUNDS:-3}
threads=${THREADS:-$(nproc)}
cargo build --release --bench swin_base 2>/dev/null
bench=$(cargo bench --profile release --bench swin_base --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
peer() {
    "$python" benches/peers/swin_base.py --batch "$BATCH" --rounds "$ROUNDS" --threads "$threads" "$@" 2>/dev/null
}
# MoNA's stage 1 has no peer of this size: its memory beside a fine-tuning step's is what is asked.
for part in 0 2; do
    RAYON_NUM_THREADS=$threads MODE=mona PART=$part RECOMPUTE=$((part > 0)) "$bench" --bench >&2
done
for mode in extract extract-bf16 train recompute; do
    RAYON_NUM_THREADS=$threads MODE=$mode "$bench" --bench
    case $mode in
        extract-bf16) peer --mode extract --dtype bfloat16 ;;
        recompute) peer --mode train --checkpointing ;;
        *) peer --mode "$mode" ;;
    esac
done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, os, sys
from claim import claim
words = {"extract": ("features", 1.2), "extract-bf16": ("features in bf16", None), "train": ("training step", 1.2), "recompute": ("training step, recomputed", None)}
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for ours, peer in zip(rows[::2], rows[1::2]):
    mode = ours["mode"]
    key = "extract_images_per_second" if mode.startswith("extract") else "train_images_per_second"
    a, b, m, n = ours[key], peer[key], ours["peak_memory_gb"], peer["peak_memory_gb"]
    what, goal = words[mode]
    claim(what + ", Swin-B at 224 px, batch " + os.environ["BATCH"], "PyTorch", a, b, "images/s", memory=[m, n], goal=goal)
'
