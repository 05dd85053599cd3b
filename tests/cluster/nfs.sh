#!/usr/bin/env bash
# Runs a test script on a REAL NFSv4.2 (Linux' own server and client) without privileges or a kernel module on this machine:
# a user-mode Linux of Debian boots for some seconds with this machine's file system as its root. /mnt/a and /mnt/b are two
# mounts of one export that share no cache, as two hosts are. Ends by itself; nothing stays.
#   MODALIGN=binary TINY=suite.toml nfs.sh TEST.sh [seconds]      prints what the test prints; the test's exit code
# Packages: user-mode-linux nfs-kernel-server nfs-common kmod
# On processors with AMX user-mode Linux needs xstate.c beside it, which a C compiler makes.
set -euo pipefail
test=$(readlink -f "$1"); seconds=${2:-300}
home=$(mktemp -d -t modalign-nfs.XXXXXX); trap 'rm -rf "$home"' EXIT
cat > "$home/init" <<INIT
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin MODALIGN=$(readlink -f "$MODALIGN") TINY=$(readlink -f "$TINY")
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /mnt; mount -t tmpfs tmpfs /var/lib/nfs
mkdir -p /var/lib/nfs/{v4recovery,sm,rpc_pipefs,nfsdcld} /run/lm/lib /mnt/export /mnt/a /mnt/b; touch /var/lib/nfs/{etab,rmtab,xtab,state}
ln -s /usr/lib/uml/modules /run/lm/lib/modules; ip link set lo up
for m in sunrpc lockd grace nfsd nfs nfsv4; do modprobe -d /run/lm \$m; done
mount -t nfsd nfsd /proc/fs/nfsd; mount -t tmpfs tmpfs /mnt/export
exportfs -i -o rw,no_root_squash,fsid=0,no_subtree_check,insecure 127.0.0.1:/mnt/export
rpc.mountd --no-nfs-version 2 --no-nfs-version 3 --no-udp
rpc.nfsd --no-nfs-version 3 --nfs-version 4.2 --no-udp 2
for m in a b; do mount -t nfs4 -o vers=4.2,nosharecache 127.0.0.1:/ /mnt/\$m || echo "no NFS mount \$m"; done
/bin/bash $test > $home/out 2>&1 < /dev/null; echo \$? > $home/rc
sync; echo o > /proc/sysrq-trigger; sleep 5
INIT
chmod +x "$home/init"
shim=
if grep -q amx_tile /proc/cpuinfo; then
    cc -shared -fPIC -O2 -o "$home/xstate.so" "$(dirname "$(readlink -f "$0")")/xstate.c"; shim=$home/xstate.so
fi
timeout "$seconds" env LD_PRELOAD="$shim" linux.uml mem=1536M root=/dev/root rootfstype=hostfs rootflags=/ rw init="$home/init" con=null con0=fd:0,fd:1 quiet \
    < /dev/null > "$home/console" 2>&1 || true
cat "$home/out" 2>/dev/null || cat "$home/console"
exit "$(cat "$home/rc" 2>/dev/null || echo 1)"
