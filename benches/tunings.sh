#!/usr/bin/env bash
# Tuning CLIP ViT-B/32 at 224 × 224 while its towers stay, modalign and PyTorch in turn on this machine: a step of HarMA's
# adapters on pairs, a step of MmAP's prompts on pictures with 65 classes; and who finds whom among 5,000 pictures and
# 25,000 captions, both ways, beside NumPy's product of their vectors alone. Prints every measurement, the ratios (above 1:
# we are faster) and the peak memory of both.
#
#   benches/tunings.sh [PYTHON]            PYTHON has torch, transformers and NumPy (default python3)
#   BATCH=8 ROUNDS=3 THREADS=2 MODES="harma prompts"     as wanted
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
export BATCH=${BATCH:-8} ROUNDS=${ROUNDS:-3}
threads=${THREADS:-$(nproc)}
cargo build --release --bench tunings 2>/dev/null
bench=$(cargo bench --profile release --bench tunings --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
for mode in ${MODES:-harma prompts retrieval}; do
    RAYON_NUM_THREADS=$threads MODE=$mode "$bench" --bench
    OPENBLAS_NUM_THREADS=$threads OMP_NUM_THREADS=$threads "$python" benches/peers/tunings.py \
        --batch "$BATCH" --rounds "$ROUNDS" --threads "$threads" --mode "$mode" 2>/dev/null
done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, os, sys
from claim import claim
batch = ", batch " + os.environ["BATCH"]
words = {"harma": ("step of HarMA, CLIP ViT-B/32" + batch, "PyTorch", 1.0), "prompts": ("step of MmAP, CLIP ViT-B/32, 65 classes" + batch, "PyTorch", 1.0),
         "retrieval": ("ranks of 5,000 pictures and 25,000 captions, both ways", "NumPy, the product alone", 0.7)}
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for ours, peer in zip(rows[::2], rows[1::2]):
    a, b = ours["per_second"], peer["per_second"]
    m, n = ours["peak_memory_gb"], peer["peak_memory_gb"]
    what, against, goal = words[ours["mode"]]
    claim(what, against, a, b, "a second", memory=[m, n], goal=goal)
'
