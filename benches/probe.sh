#!/usr/bin/env bash
# The linear probe against scikit-learn's LogisticRegression (L-BFGS; the faster of single and double precision)
# on the same standardised features, at C = 0.316 and over four C, both to within 1e-6 of the least objective.
# Ours runs before and after the peer (medians); each side takes the loosest tolerance that gets there.
#
#   benches/probe.sh [PYTHON]      PYTHON has scikit-learn (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
threads=${THREADS:-$(nproc)}
export RAYON_NUM_THREADS=$threads OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads
bench=${MEASURES:-$(cargo bench --profile release --bench measures --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)}
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
for shape in "10000 512 0.01,0.1,0.316,1" "50000 1024 0.316"; do
    read -r n d cs <<<"$shape"
    "$python" benches/peers/probe.py make "$data/$d" "$n" "$d"
    ours() { "$bench" probe "$data/$d" "$cs" 1e-4 1e-5 1e-6 1e-7; }
    ours >"$data/$d.jsonl"
    # What to reach: the objectives at our finest tolerance, which is the default.
    wanted=$("$python" -c '
import json, sys
rows = [r for r in map(json.loads, open(sys.argv[1])) if r["tolerance"] == 1e-7 and r["kind"] == "cold"]
print(",".join(repr(r["objectives"][0]) for r in rows))' "$data/$d.jsonl")
    "$python" benches/peers/probe.py fit "$data/$d" "$cs" "$wanted" >>"$data/$d.jsonl"
    ours >>"$data/$d.jsonl"
    ours >>"$data/$d.jsonl"
    echo "$n x $d, $threads threads"
    "$python" benches/peers/probe.py table "$data/$d.jsonl"
done
