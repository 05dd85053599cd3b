"""A run's folder in Python: its record, tables, figures and report. Nothing is computed and nothing is written."""

from __future__ import annotations

import base64
import csv
import html
import json
import os
from pathlib import Path
from typing import Any

from ._arrays import refuse
from ._frames import html_table, read

# Pages and figures larger than this are not put into a notebook, which keeps what it shows.
_SHOWN = 64 << 20


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > _SHOWN:
        refuse(str(path), f"at most {_SHOWN >> 20} MB to show", f"{path.stat().st_size >> 20} MB; open the file itself")
    return path.read_bytes()


class Figure:
    """A figure of a run; shown in a notebook, ``path`` is its file (SVG, or PNG)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Figure({str(self.path)!r})"

    def _repr_html_(self) -> str:
        kind = "svg+xml" if self.path.suffix == ".svg" else "png"
        data = base64.b64encode(_bytes(self.path)).decode()
        return f'<img alt="{html.escape(self.path.stem)}" style="max-width:100%" src="data:image/{kind};base64,{data}">'


class Report:
    """The report of a run; shown in a notebook as the page it is, ``path`` is its file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    def _repr_html_(self) -> str:
        page = html.escape(_bytes(self.path).decode("utf-8", "replace"), quote=True)
        # A page of its own: its script sees nothing of the notebook.
        return f'<iframe sandbox="allow-scripts" style="width:100%;height:80vh;border:1px solid #ccc" srcdoc="{page}"></iframe>'


class Run:
    """A finished or unfinished run in its folder.

    Parameters
    ----------
    folder : path
        The folder that ``modalign report`` or ``modalign train`` wrote, as ``runs/demo``.

    Attributes
    ----------
    folder : Path
    record : dict
        ``run.json``: suite, state, versions, seeds, hashes of inputs, notes.
    tables, figures : list of str
        Names of what there is, for ``table`` and ``figure``.
    report : Report
        The page.

    Raises
    ------
    ValueError
        For a folder that is no run, a name that is not there, a file that does not read.

    Examples
    --------
    >>> from modalign import Run
    >>> run = Run("reports/demo")
    >>> run.record["suite"], run.record["state"]
    ('demo', 'finished')
    >>> "results" in run.tables
    True
    >>> run.table("results", library="polars")["method"].unique().sort().to_list()
    ['emb', 'mona', 'nft']
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        path = self.folder / "run.json"
        try:
            self.record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            refuse(str(self.folder), "the folder of a run, with run.json in it", "none")
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: expected the record of a run, found one that does not read: {error}") from error
        if not isinstance(self.record, dict):
            refuse(str(path), "the record of a run", type(self.record).__name__)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _names(self, folder: str, endings: tuple[str, ...]) -> dict[str, Path]:
        """Files by name; of several endings the first."""
        found: dict[str, Path] = {}
        for ending in reversed(endings):
            found |= {path.stem: path for path in sorted((self.folder / folder).glob(f"*{ending}"))}
        return dict(sorted(found.items()))

    @property
    def tables(self) -> list[str]:
        return list(self._names("tables", (".parquet", ".csv")))

    @property
    def figures(self) -> list[str]:
        return list(self._names("figures", (".svg", ".png")))

    def _one(self, what: str, name: str, among: dict[str, Path]) -> Path:
        if name not in among:
            refuse(f"{self.folder}: {what}", f"one of {', '.join(among) or 'none: nothing was written yet'}", repr(name))
        return among[name]

    def table(self, name: str, library: str | None = None) -> Any:
        """A table as a data frame of ``polars`` or ``pandas``; None takes the first that is installed."""
        return read(self._one("tables", name, self._names("tables", (".parquet", ".csv"))), library)

    def figure(self, name: str) -> Figure:
        """A figure, shown in a notebook."""
        return Figure(self._one("figures", name, self._names("figures", (".svg", ".png"))))

    @property
    def report(self) -> Report:
        path = self.folder / "report.html"
        if not path.is_file():
            refuse(str(path), "the report of the run", "none yet; modalign report writes it")
        return Report(path)

    def _repr_html_(self) -> str:
        record = self.record
        title = html.escape(str(record.get("suite_title", record.get("suite", self.folder))))
        facts = {name: record[name] for name in ("state", "seeds", "device", "started", "version") if name in record}
        said = " · ".join(f"{name} {html.escape(str(value))}" for name, value in facts.items())
        body = f"<h3>{title}</h3><p><code>{html.escape(str(self.folder))}</code> · {said}</p>"
        results = self.folder / "tables" / "results.csv"
        if results.is_file():
            with results.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            head = ["target", "method", "metric", "target error", "source error", "D"]
            shown = [[_text(row, name) for name in _RESULTS] for row in rows]
            body += html_table(head, shown, "Means over seeds")
        body += f"<p>tables: {html.escape(', '.join(self.tables))}<br>figures: {html.escape(', '.join(self.figures))}</p>"
        return body


_RESULTS = ["target_title", "method", "metric", "target_mean", "source_mean", "d_mean"]


def _text(row: dict[str, str], name: str) -> str:
    """A cell; numbers in four digits."""
    value = row.get(name) or "–"
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
