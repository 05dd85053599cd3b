#!/usr/bin/env bash
# MoNA's stage-1 step through K inner steps and a fine-tuning step of the small Swin, modalign and PyTorch's double
# backward side by side on this machine, three rounds in turn. Prints every measurement, and for every K the ratio of
# MoNA's seconds and peak memory to fine-tuning's on both sides, against the goals: at most 1 + 3K fine-tuning steps (4.2
# at K = 1), at most three times the memory with recomputation; and PyTorch's seconds over ours (above 1: we are faster).
#
#   benches/mona_step.sh [PYTHON] [K …]      PYTHON has torch and transformers (default python3), K is 1 3 10
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
shift || true
steps=("$@")
if [ ${#steps[@]} -eq 0 ]; then steps=(1 3 10); fi
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-15}
bench=$(cargo bench --profile release --bench mona_step --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)
ours() { env RAYON_NUM_THREADS="$threads" ROUNDS="$rounds" "$@" "$bench" --bench; }
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for _ in 1 2 3; do
    for k in "${steps[@]}"; do
        ours MODE=both STEPS="$k"
        "$python" benches/peers/mona_step.py --threads "$threads" --rounds "$rounds" --steps "$k" 2>/dev/null
    done
done | tee -a /dev/stderr > "$folder/time"
# Peak memory is a process's own: steps of one kind each.
{
    for recompute in 0 1; do
        ours MODE=nft ROUNDS=3 RECOMPUTE=$recompute
        for k in "${steps[@]}"; do ours MODE=mona ROUNDS=3 STEPS="$k" RECOMPUTE=$recompute; done
    done
    "$python" benches/peers/mona_step.py --threads "$threads" --rounds 3 --mode nft 2>/dev/null
    for k in "${steps[@]}"; do
        "$python" benches/peers/mona_step.py --threads "$threads" --rounds 3 --mode mona --steps "$k" 2>/dev/null
    done
} | tee -a /dev/stderr > "$folder/memory"
PYTHONPATH=benches/peers "$python" - "$folder/time" "$folder/memory" <<'END'
import json, statistics, sys
from claim import claim
time, memory = ([json.loads(line) for line in open(path) if line.startswith("{")] for path in sys.argv[1:])
def ours(row):
    return row["engine"].startswith("modalign")
def peak(side, mode, steps=None, recompute=False):
    return next(r["peak_memory_gb"] for r in memory if ours(r) == side and r["mode"] == mode
                and steps in (None, r["steps"]) and r.get("recompute", False) == recompute)
for steps in dict.fromkeys(r["steps"] for r in time):
    k = int(steps)
    goal = 4.2 if k == 1 else 1 + 3 * k
    seconds = {}
    for name, side in (("modalign", True), ("PyTorch", False)):
        rows = [r for r in time if ours(r) == side and r["steps"] == steps]
        nft, mona = (statistics.median(r[key] for r in rows) for key in ("nft_seconds", "mona_seconds"))
        seconds[side] = mona
        print(f"K = {k:>2} {name:>9}: fine-tuning {nft:.3f} s, MoNA {mona:.3f} s, ratio {mona / nft:.2f} (goal {goal:g}), "
              f"memory {peak(side, 'mona', steps) / peak(side, 'nft'):.2f} of {peak(side, 'nft'):.3f} GB")
    again = peak(True, "mona", steps, True)
    print(f"K = {k:>2}  modalign: memory with recomputation {again / peak(True, 'nft'):.2f} of fine-tuning's without (goal 3), "
          f"{again / peak(True, 'nft', recompute=True):.2f} of fine-tuning's with")
    what = f"MoNA's exact step, small Swin, K = {k}"
    memory_of = [peak(side, "mona", steps) for side in (True, False)]
    claim(what, "PyTorch's double backward", seconds[True], seconds[False], "s", less=True, memory=memory_of, goal=1.6 if k == 1 else None)
END
