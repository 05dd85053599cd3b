#!/usr/bin/env bash
# MoNA's stage-1 step and a fine-tuning step of the small Swin, modalign and PyTorch's double backward
# side by side on this machine, three rounds in turn; prints every measurement, the ratio of MoNA to
# fine-tuning on both sides, and of PyTorch's seconds to ours (above 1: we are faster).
#
#   benches/mona_step.sh [PYTHON]      PYTHON has torch and transformers (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
threads=${THREADS:-$(nproc)}
cargo build --release --bench mona_step 2>/dev/null
bench=$(cargo bench --profile release --bench mona_step --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
for _ in 1 2 3; do
    RAYON_NUM_THREADS=$threads "$bench" --bench
    "$python" benches/peers/mona_step.py --threads "$threads" 2>/dev/null
done | tee /dev/stderr | "$python" -c '
import json, statistics, sys
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
def median(ours, key):
    return statistics.median(r[key] for r in rows if r["engine"].startswith("modalign") == ours)
for name, ours in (("modalign", True), ("PyTorch", False)):
    nft, mona, memory = (median(ours, k) for k in ("nft_seconds", "mona_seconds", "peak_memory_gb"))
    print(f"{name:>9}: fine-tuning {nft:.3f} s, MoNA {mona:.3f} s, ratio {mona / nft:.2f}, peak {memory:.2f} GB")
a, b = median(False, "mona_seconds"), median(True, "mona_seconds")
print(f"MoNA step: PyTorch / modalign {a / b:.2f}")
'
