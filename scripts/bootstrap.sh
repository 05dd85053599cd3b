#!/usr/bin/env bash
# Installs the system packages that the build needs, if they are missing, and says so.
# Idempotent: on a machine that has them it does nothing.
set -euo pipefail

missing=()
# What some tests want, which say that they are skipped without it.
wanted=()
command -v cc >/dev/null 2>&1 || missing+=(gcc libc6-dev)
command -v pkg-config >/dev/null 2>&1 || missing+=(pkg-config)
if ! pkg-config --exists openblas 2>/dev/null; then
    # Debian registers it under this name only with the development package.
    missing+=(libopenblas-dev)
fi
if [ "${1:-}" = "--test" ] && ! command -v chromium >/dev/null 2>&1; then
    missing+=(chromium)
fi
if [ "${1:-}" = "--test" ] || [ "${1:-}" = "--cluster" ]; then
    # A Slurm on the loopback and GNU parallel, for the tests of sweeps.
    command -v slurmctld >/dev/null 2>&1 && command -v sbatch >/dev/null 2>&1 || wanted+=(slurm-wlm)
    command -v munged >/dev/null 2>&1 || wanted+=(munge)
    command -v parallel >/dev/null 2>&1 || wanted+=(parallel)
fi
if [ "${1:-}" = "--cluster" ]; then
    # Nothing is skipped there.
    missing+=("${wanted[@]}"); wanted=()
    # A real NFSv4.2 in a user-mode Linux.
    command -v linux.uml >/dev/null 2>&1 || missing+=(user-mode-linux)
    command -v rpc.nfsd >/dev/null 2>&1 || missing+=(nfs-kernel-server nfs-common)
    command -v modprobe >/dev/null 2>&1 || missing+=(kmod)
fi
if [ "${1:-}" = "--gpu" ]; then
    # Vulkan's loader, and a driver: the card's own if one is registered, else software Vulkan.
    ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || missing+=(libvulkan1)
    drivers=$(ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json 2>/dev/null || true)
    [ -n "$drivers${VK_ICD_FILENAMES:-}${VK_DRIVER_FILES:-}" ] || missing+=(mesa-vulkan-drivers)
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "bootstrap: no cargo found; install Rust 1.95 or later from https://rustup.rs and run this again" >&2
    exit 1
fi
if [ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ]; then
    echo "bootstrap: all system packages are there"
    exit 0
fi

if [ ${#missing[@]} -eq 0 ] && { ! command -v apt-get >/dev/null 2>&1 || { [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; }; }; then
    echo "bootstrap: without ${wanted[*]}: tests that want them are skipped"
    exit 0
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "bootstrap: please install as root: apt-get install ${missing[*]} ${wanted[*]}" >&2
        exit 1
    }
    sudo=(sudo)
fi
command -v apt-get >/dev/null 2>&1 || {
    echo "bootstrap: no apt-get here; please install: ${missing[*]} ${wanted[*]}" >&2
    exit 1
}
echo "bootstrap: installing ${missing[*]} ${wanted[*]}"
"${sudo[@]}" apt-get update -qq
install() {
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
[ ${#wanted[@]} -eq 0 ] || install "${wanted[@]}" || echo "bootstrap: without ${wanted[*]}: tests that want them are skipped"
echo "bootstrap: done"
