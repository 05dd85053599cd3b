#!/usr/bin/env bash
# The two halves of a large discrepancy, on this machine, in turn, three rounds: the assignment problem
# against SciPy's, and D from a file of 50,000 × 21,841 probabilities against reading that file, from the
# system's cache and from the disk. Prints every measurement, then ratios of medians (above 1: we are
# faster). The files (2.2 to 4.4 GB) are made in a temporary folder (TMPDIR) and removed.
#
#   benches/discrepancy.sh [PYTHON]      PYTHON has numpy and scipy (default python3)
#   DTYPES="f2 f4" SIZES="200x21841 1000x1000 4096x4096" SAMPLES=50000     as wanted
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
peer=benches/peers/assignment.py
if [ -z "${BENCH:-}" ]; then
    cargo build --release --bench discrepancy 2>/dev/null
    BENCH=$(cargo bench --profile release --bench discrepancy --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for size in ${SIZES-200x21841 1000x1000 4096x4096}; do
    for kind in random error nll; do
        "$python" $peer costs $kind "${size%x*}" "${size#*x}" "$folder/costs.npy"
        for _ in 1 2 3; do
            MODE=lap COSTS="$folder/costs.npy" ROUNDS=1 "$BENCH"
            "$python" $peer solve "$folder/costs.npy" 1
        done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin]
ours, peer = (statistics.median(r["seconds"] for r in rows if r["engine"] == e) for e in ("modalign", "scipy"))
totals = [r["total"] for r in rows]
assert max(totals) - min(totals) <= 1e-9 * abs(totals[0]), "totals differ"
claim("assignment, '"$size $kind"'", "SciPy", ours, peer, "s", less=True)
'
    done
done
rm -f "$folder/costs.npy"
for dtype in ${DTYPES-f2 f4}; do
    "$python" $peer probs "${SAMPLES:-50000}" 21841 "$dtype" "$folder/probs.npy"
    for divergence in error nll; do
        for _ in 1 2 3; do
            MODE=stream PROBS="$folder/probs.npy" CLASSES=200 DIVERGENCE=$divergence "$BENCH"
            "$python" $peer read "$folder/probs.npy"
        done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin]
median = lambda key: statistics.median(r[key] for r in rows if key in r)
ours, total, plain, peak = map(median, ("seconds", "sum_seconds", "read_seconds", "peak_memory_mb"))
what = "D of '"${SAMPLES:-50000}"' × 21,841, '"$dtype $divergence"', from memory"
print(f"in {peak:.0f} MB")
claim(what, "NumPy, the sum alone", ours, total, "s", less=True)
claim(what, "a bare read", ours, plain, "s", less=True, goal=0.85)
'
        for _ in 1 2 3; do
            "$python" $peer cold "$folder/probs.npy"
            MODE=stream PROBS="$folder/probs.npy" CLASSES=200 DIVERGENCE=$divergence "$BENCH"
        done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin]
median = lambda key: statistics.median(r[key] for r in rows if key in r)
ours, plain = map(median, ("seconds", "cold_read_seconds"))
claim("D of '"${SAMPLES:-50000}"' × 21,841, '"$dtype $divergence"', from the disk", "a bare read", ours, plain, "s", less=True)
'
        # Back into the cache for what follows.
        cat "$folder/probs.npy" > /dev/null
    done
    rm -f "$folder/probs.npy"
done
