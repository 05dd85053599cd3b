#!/usr/bin/env bash
# One training step of the small Swin, modalign and PyTorch side by side on this machine, three
# rounds in turn; prints every measurement and the ratio of the medians (above 1: we are faster).
#
#   benches/train_step.sh [PYTHON]      PYTHON has torch and transformers (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
seconds=${BENCH_SECONDS:-5}
threads=${THREADS:-$(nproc)}
cargo build --release --bench train_step 2>/dev/null
bench=$(cargo bench --profile release --bench train_step --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
for _ in 1 2 3; do
    RAYON_NUM_THREADS=$threads BENCH_SECONDS=$seconds "$bench" --bench
    "$python" benches/peers/train_step.py --seconds "$seconds" --threads "$threads" 2>/dev/null
done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for key, what, goal in (("train_images_per_s", "training step, small Swin, batch 64", 1.6),
                        ("extract_images_per_s", "features, small Swin, batch 64", 1.3)):
    ours = statistics.median(r[key] for r in rows if r["engine"].startswith("modalign"))
    peer = statistics.median(r[key] for r in rows if not r["engine"].startswith("modalign"))
    claim(what, "PyTorch", ours, peer, "images/s", goal=goal)
'
