"""Tables as data frames of polars or pandas, whichever is there."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ._arrays import refuse

_LIBRARIES = ("polars", "pandas")


def library(name: str | None) -> Any:
    """polars or pandas: the one that is named, or else the first that is installed."""
    if name is not None and name not in _LIBRARIES:
        refuse("library", "polars or pandas", repr(name))
    for known in _LIBRARIES if name is None else (name,):
        try:
            return importlib.import_module(known)
        except ImportError:
            continue
    wanted = name or "polars or pandas"
    raise ImportError(f"tables: expected {wanted}, found none; pip install {name or 'polars'} brings it")


def read(file: Path, name: str | None) -> Any:
    """A table that a run wrote as Parquet, or as CSV."""
    frames = library(name)
    try:
        if file.suffix == ".parquet":
            return frames.read_parquet(file)
        return frames.read_csv(file)
    except ImportError:
        # pandas reads Parquet by another package; the CSV beside it says the same.
        return frames.read_csv(file.with_suffix(".csv"))
    except Exception as error:
        raise ValueError(f"{file}: expected a table of modalign's, found one that does not read: {error}") from error


def frame(rows: list[dict[str, Any]], name: str | None) -> Any:
    """Rows of equal keys as a data frame."""
    return library(name).DataFrame(rows)


def html_table(head: list[str], rows: list[list[str]], caption: str) -> str:
    """A table for a notebook; everything is escaped."""
    from html import escape

    cells = ["".join(f"<th>{escape(name)}</th>" for name in head)]
    cells += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><caption>{escape(caption)}</caption>{body}</table>"
