#!/usr/bin/env bash
# What bf16 on the processor does to features and to every measure of them: the embedded source model of real-mini on
# CIFAR-10's 10,000 test images, in f32 and in bf16; seconds of both, the largest error of a feature, and every measure
# of `modalign compare` beside its value in f32.
#
#   benches/precision.sh DATA          DATA holds cifar10/
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:?folder with cifar10/}
cargo build --release 2>/dev/null
bin=${CARGO_TARGET_DIR:-target}/release/modalign
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for precision in f32 bf16; do
    start=$(date +%s.%N)
    "$bin" extract --model real-mini --data cifar10:test --data-dir "$data" --outputs pooled --precision $precision \
        --out "$folder/$precision.npz" 2>&1 | grep -E 'bf16|error' || true
    echo "$precision: $(echo "$(date +%s.%N) - $start" | bc) s"
done
"$bin" compare "$folder/f32.npz" "$folder/bf16.npz" --iterations 0 --out "$folder/compare" --json 2>/dev/null | python3 -c '
import json, sys
found = json.load(sys.stdin)
exact, rounded = [e["measures"] for e in found["encoders"]]
verdicts = {d["measure"]: d["verdict"] for d in found["differences"]}
print("CKA of both: %.6f" % found["cka"][0][1])
for measure, value in exact.items():
    a, b = value["value"], rounded[measure]["value"]
    print("%-16s %.5f  %.5f  (%+.1e)  %s" % (measure, a, b, b - a, verdicts.get(measure, "")))
'
