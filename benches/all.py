#!/usr/bin/env python3
"""Every bench in turn, and what came of it as one JSON file in benches/results/: machine, versions, commit, and every
claim with both medians and its ratio. The tables of docs/benchmarks.md are written from these files (`make docs`), as ranges
over runs and machines.

    benches/all.py [PYTHON] [BENCH …]      PYTHON has the peers; benches by their names, all without

An idle machine: what other work takes of the processors before a bench is kept beside its claims, and told above a tenth.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHES = ["train_step", "swin_base", "vit", "tunings", "mona_step", "tsne", "discrepancy", "probe", "cka_otdd", "data"]
PEERS = ["torch", "transformers", "numpy", "scipy", "scikit-learn", "openTSNE", "geomloss", "librosa"]


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def field(path, key):
    """A value of /proc: what stands behind the key and a colon."""
    try:
        found = re.search(rf"^{key}\s*:\s*(.*)$", pathlib.Path(path).read_text(), re.M)
    except OSError:
        return None
    return found and found.group(1)


def machine():
    memory = field("/proc/meminfo", "MemTotal")
    flags = (field("/proc/cpuinfo", "flags") or "").split()
    return {
        "processor": field("/proc/cpuinfo", "model name") or platform.processor(),
        "vectors": next((name for name in ("avx512f", "avx2") if name in flags), None),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(int(memory.split()[0]) / 1e6, 1) if memory else None,
    }


def busy(seconds=5):
    """Share of the processors' time that something takes now; None where the system does not say."""
    def times():
        numbers = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]
    try:
        before = times()
        time.sleep(seconds)
        all_, idle = (after - before for after, before in zip(times(), before))
    except (OSError, ValueError, IndexError):
        return None
    return round(1 - idle / max(all_, 1), 3)


def versions(python):
    of_peers = "import importlib.metadata as m, json, sys\nfound = {}\nfor name in sys.argv[1:]:\n    try: found[name] = m.version(name)\n    except m.PackageNotFoundError: pass\nprint(json.dumps(found))"
    peers = said(python, "-c", of_peers, *PEERS)
    return {"rustc": said("rustc", "--version"), "python": said(python, "--version"), **json.loads(peers or "{}")}


def free(date):
    """The first name in benches/results/ that no run of the day has."""
    place = ROOT / "benches" / "results"
    place.mkdir(exist_ok=True)
    number = 1
    while (path := place / f"{date}-{number}.json").exists():
        number += 1
    return path


def main():
    python = sys.argv[1] if len(sys.argv) > 1 else "python3"
    wanted = sys.argv[2:] or BENCHES
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"benches: expected some of {', '.join(BENCHES)}, found {', '.join(unknown)}")
    changed = said("git", "status", "--porcelain", "--untracked-files=no")
    result = {
        "date": datetime.date.today().isoformat(),
        "commit": said("git", "rev-parse", "HEAD") + (" with changes" if changed else ""),
        "machine": machine(),
        "versions": versions(python),
        "settings": {name: os.environ[name] for name in ("BATCH", "ROUNDS", "THREADS", "MODES", "SIZES", "SAMPLES", "DTYPES") if name in os.environ},
        "claims": [],
    }
    failed, path = [], None
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            claims = pathlib.Path(folder) / f"{name}.jsonl"
            others = busy()
            if (others or 0) > 0.1:
                print(f"{name}: the machine is not idle: other work takes {others:.0%} of it", file=sys.stderr)
            print(f"== {name}", flush=True)
            done = subprocess.run([ROOT / "benches" / f"{name}.sh", python], cwd=ROOT, env={**os.environ, "BENCH_CLAIMS": str(claims)})
            if done.returncode:
                failed.append(name)
            if claims.exists():
                rows = [json.loads(line) for line in claims.read_text().splitlines()]
                result["claims"] += [{"bench": name, "busy": others, **row} for row in rows]
                # After every bench: what was measured is not lost with a later one.
                path = path or free(result["date"])
                path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    if path:
        print(f"{len(result['claims'])} claims in {path.relative_to(ROOT)}; `make docs` writes the tables")
    if failed:
        sys.exit(f"benches that ended in an error: {', '.join(failed)}")


if __name__ == "__main__":
    main()
