#!/usr/bin/env bash
# t-SNE of 10,000 × 50 and 50,000 × 50 features, modalign beside openTSNE (and scikit-learn at 10,000), in
# turn on this machine; then one exact KL divergence of every map over common affinities.
#
#   benches/tsne.sh [PYTHON]      PYTHON has numpy, scipy, torch, openTSNE and scikit-learn (default python3)
#   SIZES=10000 ROUNDS=1 …        fewer sizes or rounds
#
# With CIFAR-10 (and, where it has fewer than 50,000 images, CIFAR-100) in $MODALIGN_DATA: 50 principal
# components of the pixels; otherwise ten Gaussian clusters.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
cargo build --release 2>/dev/null
target=${CARGO_TARGET_DIR:-target}
for size in ${SIZES:-10000 50000}; do
    "$python" benches/peers/tsne.py --modalign "$target/release/modalign" --size "$size" \
        --rounds "${ROUNDS:-1}" --threads "${THREADS:-$(nproc)}"
done
