"""Encoders set against each other on the same samples."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from . import _core
from ._arrays import groups as numbered, labels, matrix, number, refuse, whole
from ._frames import frame, html_table

class Comparison:
    """What :func:`compare` found; shown as a table in a notebook.

    Attributes
    ----------
    record : dict
        Everything, as ``modalign compare --json`` prints it.
    reference : str
        The encoder that the others are set against.
    cka : list of lists
        Debiased linear CKA of every two encoders, in the order given.
    notes : list of str
        What a reader must know of single results.
    test_rows, train_rows, sample_rows : list of int
        Rows that everything is tested on, that probe and neighbours learn from, and that measures over pairs see.
    report : str or None
        Path of the page, with ``out``.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.reference: str = record["reference"]
        self.cka: list[list[float | None]] = record["cka"]
        self.notes: list[str] = record["notes"]
        self.test_rows: list[int] = record.pop("test_rows")
        self.train_rows: list[int] = record.pop("train_rows")
        self.sample_rows: list[int] = record.pop("sample_rows")
        self.report: str | None = record.get("report")

    def __repr__(self) -> str:
        titles = [encoder["title"] for encoder in self.record["encoders"]]
        return f"Comparison({titles!r}, reference={self.reference!r})"

    def value(self, encoder: str, measure: str) -> float:
        """The value of a measure (``probe-error``, ``logme``, …) of an encoder."""
        measures = {one["title"]: one["measures"] for one in self.record["encoders"]}
        if encoder not in measures:
            refuse("encoder", f"one of {', '.join(measures)}", repr(encoder))
        if measure not in measures[encoder]:
            refuse("measure", f"one of {', '.join(measures[encoder])}", repr(measure))
        found = measures[encoder][measure]
        if found is None:
            refuse(f"{measure} of {encoder}", "a value", f"none; {'; '.join(self.notes)}")
        return found["value"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for every encoder and measure: value, interval, samples; difference and verdict against the reference."""
        found = {(one["encoder"], one["measure"]): one for one in self.record["differences"]}
        rows = []
        for encoder in self.record["encoders"]:
            for measure, estimate in encoder["measures"].items():
                own, against = estimate or {}, found.get((encoder["title"], measure), {})
                low, high = own.get("interval") or (None, None)
                rows.append(
                    {
                        "encoder": encoder["title"],
                        "measure": measure,
                        "value": own.get("value"),
                        "lower": low,
                        "upper": high,
                        "samples": own.get("samples"),
                        "difference": against.get("difference"),
                        "p": against.get("p"),
                        "adjusted": against.get("adjusted"),
                        "verdict": against.get("verdict"),
                    }
                )
        return rows

    def table(self, library: str | None = None) -> Any:
        """``rows`` as a data frame of ``polars`` or ``pandas``; None takes the first that is installed."""
        return frame(self.rows, library)

    def _repr_html_(self) -> str:
        titles = [encoder["title"] for encoder in self.record["encoders"]]
        cells: dict[str, list[str]] = {}
        for row in self.rows:
            value = "–" if row["value"] is None else f"{row['value']:.4f}"
            if row["lower"] is not None:
                value += f" ({row['lower']:.4f} to {row['upper']:.4f})"
            if row["verdict"] in ("better", "worse"):
                value += f" {row['verdict']}"
            cells.setdefault(row["measure"], []).append(value)
        rows = [[measure, *values] for measure, values in cells.items()]
        caption = f"In brackets 95 % intervals; better, worse: than {self.reference}, beyond noise at 5 % for all together"
        return html_table(["measure", *titles], rows, caption)


def compare(
    encoders: Mapping[str, Any],
    y: Any,
    *,
    reference: str | None = None,
    groups: Any = None,
    train_share: float = 0.5,
    sample: int = 2000,
    tsne_iterations: int | None = None,
    random_state: int = 0,
    out: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Sets encoders against each other on the same samples: which is better at what, beyond noise?

    Parameters
    ----------
    encoders : mapping of names to arrays of shape [N, D]
        Features of the same samples under each encoder, row by row; D may differ. They are taken in single precision,
        as ``modalign compare`` does, and so copied.
    y : array of shape [N]
        Labels.
    reference : str or None
        The encoder that the others are set against; None: the first.
    groups : array of shape [N]
        Which samples belong together; they stay together in every part.
    train_share : float
        Share of every class that probe and neighbours learn from; the rest tests them.
    sample : int
        Test samples, balanced over classes, for measures over pairs and maps; 0 takes all.
    tsne_iterations : int or None
        Steps of every map; 0 makes none. None: 1,000 with ``out``, else none.
    random_state : int
        Seed of split, sample, folds and maps.
    out : path or None
        A folder to write tables, figures and ``comparison.html`` into.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        For fewer than two encoders, other numbers of rows, samples that cannot be cut, NaN or infinity.

    Notes
    -----
    The same numbers as ``modalign compare`` gives of files with these arrays, to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import compare
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile([0, 1], 60)
    >>> noise = rng.normal(size=(120, 4))
    >>> found = compare({"good": noise + 3 * y[:, None], "bad": noise}, y)
    >>> found.value("good", "probe-error") < found.value("bad", "probe-error")
    True
    >>> [row["verdict"] for row in found.rows if row["encoder"] == "bad" and row["measure"] == "probe-error"]
    ['worse']
    """
    if not isinstance(encoders, Mapping):
        refuse("encoders", "a mapping of names to features", type(encoders).__name__)
    titles = [str(title) for title in encoders]
    if len(set(titles)) != len(titles):
        refuse("encoders", "names that differ", ", ".join(titles))
    if reference is not None and reference not in titles:
        refuse("reference", f"one of {', '.join(titles)}", repr(reference))
    arrays = [matrix(features, str(title)) for title, features in encoders.items()]
    if not arrays:
        refuse("encoders", "2 to 24", 0)
    rows = len(arrays[0])
    for title, array in zip(titles, arrays, strict=True):
        if len(array) != rows:
            refuse(f"{title}: samples", f"{rows}, as {titles[0]} has", len(array))
        if array.shape[1] == 0 or rows == 0:
            refuse(title, "at least one sample and one feature", list(array.shape))
    classes, codes = labels(y, "y", rows)
    if tsne_iterations is None:
        tsne_iterations = 0 if out is None else 1000
    asked = {
        "reference": 0 if reference is None else titles.index(reference),
        "train_share": number(train_share, "train_share"),
        "sample": whole(sample, "sample", 0),
        "iterations": whole(tsne_iterations, "tsne_iterations", 0),
        "seed": whole(random_state, "random_state", 0),
        "named": classes.dtype.kind not in "biu",
    }
    names = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in classes.tolist()]
    folder = None if out is None else os.fspath(out)
    said = _core.compare(list(zip(titles, arrays, strict=True)), codes, names, numbered(groups, rows), asked, folder)
    return Comparison(json.loads(said))
