#!/usr/bin/env bash
# Linear CKA (biased and debiased) against thingsvision, and OTDD against geomloss called as Microsoft's otdd
# calls it, on the same features; ROUNDS (3) in turn, medians, and how far the values are apart.
#
#   benches/cka_otdd.sh [PYTHON]      PYTHON has torch and geomloss, and thingsvision's files (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
threads=${THREADS:-$(nproc)}
export RAYON_NUM_THREADS=$threads OMP_NUM_THREADS=$threads
bench=${MEASURES:-$(cargo bench --profile release --bench measures --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)}
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
for shape in "cka 10000 512" "cka 10000 1024" "otdd 2000 128"; do
    read -r what n d <<<"$shape"
    "$python" benches/peers/cka_otdd.py make "$data/$what$d" "$what" "$n" "$d"
    echo "$what $n x $d, $threads threads"
    for _ in $(seq "${ROUNDS:-3}"); do
        "$bench" "$what" "$data/$what$d"
        "$python" benches/peers/cka_otdd.py "$what" "$data/$what$d" 2>/dev/null
    done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin]
ours = [r for r in rows if r["engine"] == "modalign"]
peer = [r for r in rows if r["engine"] != "modalign"]
median = lambda rows, key: statistics.median(r[key] for r in rows)
if ours[0]["measure"] == "cka":
    a, b, u = median(peer, "biased_seconds"), median(peer, "debiased_seconds"), median(ours, "seconds")
    off = max(abs(ours[0][k] - peer[0][k]) for k in ("biased", "debiased"))
    print(f"values apart by {off:.1e}")
    claim("CKA, biased and debiased, '"$n × $d"'", "thingsvision", u, a + b, "s", less=True, goal=3)
else:
    p = median(peer, "seconds")
    for most in sorted({r["most_iterations"] for r in ours}):
        here = [r for r in ours if r["most_iterations"] == most]
        u, off = median(here, "seconds"), here[0]["value"] / peer[0]["value"] - 1
        state = "converged" if here[0]["converged"] else "as geomloss stops"
        print(f"value off by {off:+.1e}")
        claim("OTDD, '"$n × $d"', " + state, "geomloss as otdd calls it", u, p, "s", less=True, goal=3)
'
done
