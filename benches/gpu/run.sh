#!/usr/bin/env bash
# The GPU against PyTorch on the same machine in one run: parity with the processor first, then images per
# second of a fine-tuning step, a step of MoNA and feature extraction, Swin-mini and Swin-B. Prints every
# measurement, then the ratios (above 1: we are faster); raw lines go to OUT.
#
#   benches/gpu/run.sh [PYTHON]        PYTHON has torch and transformers (default python3)
#   FEATURE=gpu DEVICE=wgpu            or FEATURE=gpu-vulkan DEVICE=vulkan, FEATURE=cuda DEVICE=cuda
#   MODELS=mini,base MODES=nft,mona,extract BATCH_MINI=64 BATCH_BASE=32 ROUNDS=30 COMPILE=1 PARITY=1
#   BIN=…                              a bench binary built elsewhere, for a machine without cargo
#   OUT=reports/bench/gpu.jsonl        where the raw lines go
#
# On software Vulkan (no card) set CUBECL_AUTOTUNE_LEVEL=minimal, MODELS=mini and few rounds: the figures
# are then those of a CPU that plays a card, and are labelled so.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
feature=${FEATURE:-gpu} device=${DEVICE:-wgpu}
export MODELS=${MODELS:-mini,base} MODES=${MODES:-nft,mona,extract}
export BATCH_MINI=${BATCH_MINI:-64} BATCH_BASE=${BATCH_BASE:-32} ROUNDS=${ROUNDS:-30}
export MODALIGN_DEVICE=$device XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
out=${OUT:-$(mktemp)}
bench=${BIN:-}
if [ -z "$bench" ]; then
    [ "${PARITY:-1}" = 0 ] || cargo test --release --locked --features "$feature" --test parity -- --nocapture devices
    bench=$(cargo bench --profile release --locked --features "$feature" --bench gpu --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
fi
peer() {
    "$python" benches/gpu/peer.py --models "$MODELS" --modes "$MODES" --batch-mini "$BATCH_MINI" \
        --batch-base "$BATCH_BASE" --rounds "$ROUNDS" "$@" 2>/dev/null
}
{
    "$bench" --bench
    peer
    [ "${COMPILE:-0}" = 0 ] || peer --compile
} | grep --line-buffered '^{' | tee /dev/stderr > "$out"
"$python" - "$out" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
ours = {(r["model"], r["mode"]): r for r in rows if r["engine"].startswith("modalign")}
print(f"\n{next(iter(ours.values()))['engine']}")
for row in rows:
    if row["engine"].startswith("PyTorch") and (row["model"], row["mode"]) in ours:
        mine = ours[row["model"], row["mode"]]["images_per_second"]
        other = row["images_per_second"]
        print(f"{row['model']:>5} {row['mode']:<12} batch {row['batch']:>3}: {mine:9.1f} images/s, "
              f"{row['engine']} {other:9.1f}, ratio {mine / other:.3f}")
PY
