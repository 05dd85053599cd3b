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
done | tee /dev/stderr | "$python" -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for ours, peer in zip(rows[::2], rows[1::2]):
    a, b = ours["per_second"], peer["per_second"]
    m, n = ours["peak_memory_gb"], peer["peak_memory_gb"]
    print("%10s: modalign %.4g a second in %.2f GB, peer %.4g in %.2f GB, ratio %.2f" % (ours["mode"], a, m, b, n, a / b))
'
