"""Computing beside Python: without the GIL, with Ctrl-C, in processes that were forked."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import modalign as m
import numpy as np
import pytest
from modalign import TSNE

LONG = """
import numpy as np, modalign as m
X = np.random.default_rng(0).normal(size=({rows}, {columns}))
print("ready", flush=True)
{call}
print("ended")
"""


@pytest.mark.parametrize(
    ("rows", "columns", "call"),
    [
        (900, 20, "m.TSNE(max_iter=10**9).fit(X)"),
        (30_000, 200, "m.silhouette(X, np.arange(30_000) % 3)"),
    ],
)
def test_ctrl_c_is_heard(rows, columns, call):
    code = LONG.format(rows=rows, columns=columns, call=call)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "ready\n"
        time.sleep(2)
        run.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, said = run.communicate(timeout=120)
        assert said.rstrip().endswith("KeyboardInterrupt"), said
        assert time.monotonic() - begun < 60
        assert run.returncode in (1, 130, -signal.SIGINT)


GOES_ON = """
import signal, time, numpy as np, modalign as m
from modalign import TSNE
X = np.random.default_rng(0).normal(size=(900, 20))
print("ready", flush=True)
try:
    TSNE(max_iter=10**9).fit(X)
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
print("heard", flush=True)
# What was interrupted stops: the processor is free again.
for _ in range(60):
    used = time.process_time()
    time.sleep(1)
    if time.process_time() - used < 0.2:
        break
else:
    raise SystemExit("an interrupted map is still computed")
assert abs(m.cka(X, X) - 1) < 1e-9
"""


def test_python_goes_on_and_is_computed_with_after_an_interrupt():
    with subprocess.Popen([sys.executable, "-c", GOES_ON], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "ready\n"
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        said, faults = run.communicate(timeout=180)
        assert (run.returncode, said) == (0, "heard\n"), faults


def test_the_gil_is_released():
    X = np.random.default_rng(0).normal(size=(900, 20))
    worker = threading.Thread(target=lambda: TSNE(max_iter=300).fit(X))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 20


def _in_a_fork(queue, X):
    queue.put(m.silhouette(X, np.arange(len(X)) % 2))


def test_a_process_that_was_forked_computes_the_same():
    X = np.random.default_rng(0).normal(size=(700, 5))
    expected = m.silhouette(X, np.arange(700) % 2)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_fork, args=(queue, X))
    child.start()
    assert queue.get(timeout=120) == expected
    child.join(120)


def test_the_number_of_threads_changes_no_bit():
    code = "import numpy as np, modalign as m; X = np.random.default_rng(0).normal(size=(600, 30));" \
           "print(m.silhouette(X, np.arange(600) % 3), m.LinearProbe().fit(X, np.arange(600) % 3).coef_.sum())"  # fmt: skip
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={**os.environ, "RAYON_NUM_THREADS": threads}).stdout
        for threads in ("1", "2", "5")
    }  # fmt: skip
    assert len(said) == 1


def test_importing_is_quick():
    """What importing modalign costs beyond NumPy, the least of several processes: at most 0.1 s."""
    code = "import time, numpy; begun = time.perf_counter(); import modalign; modalign.cka; print(time.perf_counter() - begun)"
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
             for _ in range(5)]  # fmt: skip
    print(f"\nimport modalign: {1000 * min(times):.0f} ms beyond NumPy")
    assert min(times) < 0.1
