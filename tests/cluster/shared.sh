#!/usr/bin/env bash
# What a shared run folder must survive on NFSv4; run by nfs.sh. MODALIGN is the program, TINY a suite of two short cells.
set -u
export RAYON_NUM_THREADS=1
fail=0
refute() { echo "FAIL: $1"; fail=1; }
sweep() { timeout 400 "$MODALIGN" sweep --suite "$TINY" --out "/mnt/$1/run" > "/mnt/$1.log" 2>&1 < /dev/null; }

# The second host has looked there before and found nothing, which its kernel remembers.
mkdir -p /mnt/a/run; ls /mnt/b/run /mnt/b/run/cells > /dev/null 2>&1
sweep a & first=$!
for _ in $(seq 600); do [ -e /mnt/a/run/cells/emg-nft-0/checkpoint/checkpoint.json ] && break; sleep 0.1; done
"$MODALIGN" runs list /mnt/b 2>&1 | grep -q 'running.*run' || refute "a run at work is not seen as running by another host"
"$MODALIGN" sweep --suite "$TINY" --out /mnt/b/run --list > /mnt/list 2>&1
grep -q 'running.*emg-nft-0' /mnt/list || refute "a cell that another host trains is not listed as running: $(cat /mnt/list)"
sweep b & second=$!
wait $first || refute "the first sweep ended with $?: $(cat /mnt/a.log)"
wait $second || refute "the second sweep ended with $?: $(cat /mnt/b.log)"
trained=$(cat /mnt/a.log /mnt/b.log | grep ': validation' | grep -vc 'done before')
[ "$trained" = 2 ] || refute "two cells were trained $trained times: $(cat /mnt/a.log /mnt/b.log)"
[ $fail = 0 ] && echo "ok: two hosts shared two cells"
exit $fail
