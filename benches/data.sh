#!/usr/bin/env bash
# How fast samples come. Log-mel spectrograms of clips in FSD50K's format beside librosa on one thread, in turn,
# with the parity of both; then batches a second of every reader beside the training step that consumes them, on
# all threads. Sets whose files are in DATA are read there, the others from small files in their published formats.
#
#   benches/data.sh [PYTHON] [DATA]      PYTHON has librosa, SciPy and h5py (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
data=${2:-${MODALIGN_DATA:-../shared/data}}
bench=${DATA_BENCH:-$(cargo bench --profile release --bench data --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$python" benches/peers/data_files.py "$made"
for _ in $(seq "${ROUNDS:-5}"); do
    RAYON_NUM_THREADS=1 "$bench" sounds "$made"
    "$python" benches/peers/logmel.py time "$made"
done | tee -a /dev/stderr | PYTHONPATH=benches/peers "$python" -c '
import json, statistics, sys
from claim import claim
rows = [json.loads(line) for line in sys.stdin]
median = lambda engine, key: statistics.median(r[key] for r in rows if r["engine"].startswith(engine))
ours = median("modalign", "each")
for key, words in (("each", "a call a chunk"), ("batched", "a call a clip")):
    peer = median("librosa", key)
    claim("log-mel spectrograms, one thread, a chunk", f"librosa, {words}", ours, peer, "s", less=True)
'
mkdir "$made/parity"
"$bench" parity "$made" "$made/parity"
"$python" benches/peers/logmel.py parity "$made" "$made/parity"
"$bench" rates "$data" "$made"
uptime
