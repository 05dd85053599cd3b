"""What a bench claims, in one form for all: a line for people, and a line of JSON in the file $BENCH_CLAIMS, which
benches/all.py collects. A ratio above 1 is in our favour."""

import json
import os


def claim(what, against, ours, peer, unit, *, less=False, memory=None, goal=None):
    """`ours` and `peer` are medians in `unit`; `less`: seconds, of which fewer are better. `memory`: peaks of both in GB."""
    ratio = peer / ours if less else ours / peer
    told = f"{what}: modalign {ours:.4g} {unit}, {against} {peer:.4g}, ratio {ratio:.2f}"
    if memory:
        told += f", memory {memory[0]:.2f} and {memory[1]:.2f} GB"
    print(told + (f" (goal {goal:g})" if goal else ""), flush=True)
    if place := os.environ.get("BENCH_CLAIMS"):
        row = {"what": what, "against": against, "unit": unit, "ours": ours, "peer": peer, "ratio": ratio, "memory_gb": memory, "goal": goal}
        with open(place, "a") as file:
            file.write(json.dumps(row) + "\n")
