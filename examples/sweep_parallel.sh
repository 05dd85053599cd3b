#!/usr/bin/env bash
# A sweep by GNU parallel: cells that are not done, so many at a time, each tried three times; then the report.
#
#     SUITE=demo OUT=runs/demo bash examples/sweep_parallel.sh --jobs 4
#
# Options are GNU parallel's; --sshlogin works where hosts share OUT. The report comes whatever became of the cells, and the
# exit code is parallel's: the number of cells that failed.
set -euo pipefail
suite=${SUITE:-demo}; out=${OUT:-runs/demo}
modalign sweep --suite "$suite" --out "$out" --list | awk 'NR > 1 && $2 != "done" {print $3}' |
    parallel --retries 3 "$@" modalign sweep --suite "$suite" --out "$out" --cell {} && code=0 || code=$?
# It fails, too, where a cell did.
modalign report "$out" --collect || code=$((code > 0 ? code : $?))
exit $code
