"""A sweep by submitit: every cell is a job, on Slurm or (--cluster local) as processes of this host.

    SUITE=demo OUT=runs/demo python examples/sweep_submitit.py --cluster slurm --partition gpu --minutes 120

A cell that is interrupted ends with 130. Before a time limit or a preemption submitit submits it again by itself
(`checkpoint`); whole epochs are kept, so it goes on where it was. The report comes after all of them.
"""
import argparse
import json
import os
import subprocess

import submitit

SUITE, OUT = os.environ.get("SUITE", "demo"), os.environ.get("OUT", "runs/demo")
SWEEP = ["modalign", "sweep", "--suite", SUITE, "--out", OUT]


class Cell:
    """Does one cell."""

    def __init__(self, name):
        self.name = name

    def __call__(self):
        subprocess.run([*SWEEP, "--cell", self.name], check=True)

    def checkpoint(self):
        """What is submitted in place of a job that is told to end."""
        return submitit.helpers.DelayedSubmission(self)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", default=None, help="slurm or local")
    parser.add_argument("--partition", default=None)
    parser.add_argument("--minutes", type=int, default=60)
    args = parser.parse_args()
    executor = submitit.AutoExecutor(folder=f"{OUT}.submitit", cluster=args.cluster)
    executor.update_parameters(timeout_min=args.minutes, slurm_partition=args.partition)
    cells = json.loads(subprocess.check_output([*SWEEP, "--list", "--json"]))
    with executor.batch():
        jobs = [executor.submit(Cell(cell["name"])) for cell in cells if cell["state"] != "done"]
    failed = [job.job_id for job in jobs if job.exception() is not None]
    subprocess.run(["modalign", "report", OUT, "--collect"], check=True)
    if failed:
        raise SystemExit(f"failed: {failed}")


if __name__ == "__main__":
    main()
