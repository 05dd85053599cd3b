"""A run's folder in Python."""

import shutil

import modalign as m
import pytest
from conftest import ROOT


@pytest.fixture
def demo():
    return m.Run(ROOT / "reports" / "demo")


def test_tables_are_data_frames(demo):
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    assert {"results", "cells", "tsne", "measures"} <= set(demo.tables)
    for name in demo.tables:
        a, b = demo.table(name, "polars"), demo.table(name, "pandas")
        assert isinstance(a, polars.DataFrame) and isinstance(b, pandas.DataFrame)
        assert a.columns == list(b.columns) and a.height == len(b) > 0, name
    results = demo.table("results", "polars")
    assert results.filter(polars.col("method") == "mona").height == 3


def test_figures_and_report_are_shown(demo):
    assert "fig1" in demo.figures
    assert demo.figure("fig1")._repr_html_().startswith('<img alt="fig1"')
    page = demo.report._repr_html_()
    assert page.startswith("<iframe sandbox=") and "<script" not in page and "&lt;script" in page
    shown = demo._repr_html_()
    assert "Demo: procedural images" in shown and "<td>mona</td>" in shown and "finished" in shown


def test_names_are_escaped(demo, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    folder = tmp_path / "run"
    shutil.copytree(demo.folder, folder)
    for name in ("run.json", "tables/results.csv"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("Demo: procedural images", evil).replace("Unseen images", evil))
    shown = m.Run(folder)._repr_html_()
    assert evil not in shown and "&lt;img src=x" in shown


def test_what_is_not_there_is_refused(demo, tmp_path):
    with pytest.raises(ValueError, match="expected the folder of a run, with run.json in it, found none"):
        m.Run(tmp_path)
    with pytest.raises(ValueError, match="tables: expected one of .*results.*, found 'magic'"):
        demo.table("magic")
    with pytest.raises(ValueError, match="figures: expected one of fig1, .*, found 'magic'"):
        demo.figure("magic")
    with pytest.raises(ValueError, match="library: expected polars or pandas, found 'arrow'"):
        demo.table("results", "arrow")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="expected the record of a run, found one that does not read"):
        m.Run(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="expected the report of the run, found none yet"):
        m.Run(tmp_path).report
    with pytest.raises(ValueError, match="tables: expected one of none: nothing was written yet, found 'results'"):
        m.Run(tmp_path).table("results")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "results.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="expected a table of modalign's, found one that does not read"):
        m.Run(tmp_path).table("results")


def test_a_comparison_leaves_its_page(features, tmp_path):
    X, y = features
    names = ["<ant>", "bee", "cat", "dog"]
    found = m.compare({"a": X, "b": X[:, :3]}, [names[c] for c in y], out=tmp_path / "out", tsne_iterations=20)
    assert found.report == str(tmp_path / "out" / "comparison.html")
    assert (tmp_path / "out" / "tables" / "measures.csv").is_file()
    shown = found._repr_html_()
    assert "probe-error" in shown and "95 %" in shown
    assert found.record["classes"] == names
    assert found.table("polars").height == 2 * 8
    with pytest.raises(ValueError, match="measure: expected one of .*logme.*, found 'magic'"):
        found.value("a", "magic")
    with pytest.raises(ValueError, match="expected an empty folder"):
        m.compare({"a": X, "b": X}, y, out=ROOT / "docs")
