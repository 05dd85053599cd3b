"""The notebook runs, every public name has a docstring with its parts, and stubs are as the code is."""

import inspect
import subprocess
import sys

import modalign
import modalign._core as core
import pytest
from conftest import ROOT


# In a process of its own: nbclient takes SIGINT for itself and may keep it.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[3])
"""


def test_the_notebook_runs(tmp_path):
    pytest.importorskip("nbclient")
    paths = [ROOT / "examples" / "notebook.ipynb", ROOT, tmp_path / "executed.ipynb"]
    run = subprocess.run([sys.executable, "-c", EXECUTE, *map(str, paths)], capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr
    said = paths[2].read_text()
    assert "text/html" in said and "image/svg+xml" in said and "Traceback" not in said


@pytest.mark.parametrize("name", [name for name in modalign.__all__ if name not in ("__version__", "Comparison", "Discrepancy")])
def test_every_name_is_documented(name):
    said = inspect.getdoc(getattr(modalign, name))
    for part in ("Parameters", "Raises", "Examples", ">>>"):
        assert part in said, f"{name}: {part}"
    assert any(part in said for part in ("Returns", "Attributes", "Notes"))


def test_stubs_are_complete():
    stubs = ROOT / "python" / "modalign"
    for name in modalign.__all__:
        assert f"{name} as {name}" in (stubs / "__init__.pyi").read_text() or name == "__version__"
    text = (stubs / "_core.pyi").read_text()
    for name in dir(core):
        if not name.startswith("_"):
            assert f"def {name}(" in text, name
