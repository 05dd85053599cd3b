#!/usr/bin/env bash
# A one-host Slurm cluster on the loopback, for tests: no systemd, no cgroups, no root-owned files outside DIR.
#
#   slurm.sh start [DIR]   munged, slurmctld and slurmd(s); prints the line that points clients at them
#   slurm.sh stop  [DIR]   ends exactly the processes that start began, by their pids
#   slurm.sh env   [DIR]   the line for clients: eval "$(slurm.sh env DIR)"
#   slurm.sh kill-node DIR n1   a node's end: kills its slurmd, its steps and their tasks at once, and sets it down
#
# Needs root (slurmd sets the user of a job) and Debian's packages: apt-get install --no-install-recommends slurm-wlm munge
# NODES=2 CPUS=2 : nodes (several slurmd of one host) and processors that each claims; MAX_ARRAY=1001 : MaxArraySize;
# PORT=16817 : slurmctld's port, behind which the nodes have theirs, so that several clusters run side by side;
# OVER_TIME=0 : minutes past its limit after which a job is killed.
set -euo pipefail
verb=${1:-}; dir=${2:-${SLURM_TEST_DIR:-${TMPDIR:-.}/slurm-test}}
nodes=${NODES:-2}; cpus=${CPUS:-2}
host=$(hostname -s)
port=${PORT:-16817}
conf=$dir/slurm.conf

pid_of() { cat "$dir/run/$1.pid" 2>/dev/null || true; }

# Only a process that we started and that still is what we started.
alive() {
    local pid; pid=$(pid_of "$1")
    [[ -n $pid && -r /proc/$pid/cmdline ]] && tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q -- "$dir"
}

end() {
    alive "$1" || { rm -f "$dir/run/$1.pid"; return 0; }
    local pid; pid=$(pid_of "$1")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$dir/run/$1.pid"
}

write_conf() {
    local memory; memory=$(( $(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1024 - 512 ))
    cat > "$conf" <<CONF
ClusterName=modalign-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a requeued job waits for cred_expire (120 s by default)
AuthInfo=socket=$dir/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
# no cgroups, no cpu binding, no accounting daemon
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobs.txt
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
PriorityType=priority/basic
# partitions preempt one another by requeue, as on shared clusters; GraceTime gives SIGTERM before SIGKILL
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=5
OverTimeLimit=${OVER_TIME:-0}
MinJobAge=36000
MaxArraySize=${MAX_ARRAY:-1001}
SlurmdTimeout=30
SlurmctldTimeout=30
# the machine has fewer processors than the nodes claim together
SlurmdParameters=config_overrides
CONF
    local n
    for n in $(seq "$nodes"); do
        echo "NodeName=n$n NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + n)) CPUs=$cpus RealMemory=$memory State=UNKNOWN" >> "$conf"
    done
    cat >> "$conf" <<CONF
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=spare Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
CONF
}

start() {
    command -v slurmctld slurmd munged > /dev/null
    mkdir -p "$dir"/{run,log,state,spool}
    chmod 755 "$dir" "$dir"/{run,log}
    if [[ ! -s $dir/munge.key ]]; then head -c 128 /dev/urandom > "$dir/munge.key"; chmod 600 "$dir/munge.key"; fi
    write_conf
    munged --key-file="$dir/munge.key" --socket="$dir/run/munge.socket" --pid-file="$dir/run/munged.pid" \
        --log-file="$dir/log/munged.log" --seed-file="$dir/run/munged.seed" --num-threads=2
    export SLURM_CONF=$conf
    slurmctld -f "$conf" -c
    for n in $(seq "$nodes"); do slurmd -f "$conf" -N "n$n" -c; done
    for _ in $(seq 100); do
        [[ $(sinfo -h -N -p main -t idle -o %N 2>/dev/null | wc -l) == "$nodes" ]] && break
        sleep 0.2
    done
    sinfo -N -l >&2
    env_line
}

env_line() { echo "export SLURM_CONF=$conf"; }

stop() {
    export SLURM_CONF=$conf
    if alive slurmctld; then
        scancel --quiet --full --signal=KILL --user="$(id -un)" 2>/dev/null || true
        scancel --quiet --user="$(id -un)" 2>/dev/null || true
        for _ in $(seq 50); do [[ -z $(squeue -h -t RUNNING,COMPLETING -o %i 2>/dev/null) ]] && break; sleep 0.2; done
    fi
    local file
    for file in "$dir"/run/slurmd-*.pid; do [[ -e $file ]] && end "$(basename "$file" .pid)"; done
    end slurmctld
    end munged
}

kill_node() {
    local log pids more
    log=$(readlink -f "$dir")/log/slurmd-$1.log
    # slurmd and its slurmstepds write its log; their tasks descend from them.
    pids=$(find /proc/[0-9]*/fd -lname "$log" 2>/dev/null | cut -d/ -f3 | sort -u || true)
    [[ -n $pids ]] || { echo "slurm.sh: no process of node $1" >&2; exit 1; }
    more=$pids
    while [[ -n $more ]]; do
        more=$(pgrep --parent "$(paste -sd, <<< "$more")" || true)
        pids+=" $more"
    done
    # shellcheck disable=SC2086
    kill -KILL $pids
    SLURM_CONF=$conf scontrol update "NodeName=$1" State=DOWN Reason="killed by a test"
}

case $verb in
    start) start ;;
    stop) stop ;;
    kill-node) kill_node "$3" ;;
    env) env_line ;;
    *) sed -n '2,14p' "$0"; exit 2 ;;
esac
