"""D, the modality knowledge discrepancy, and what is known of it."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _core
from ._arrays import _array, doubles, groups as numbered, labels, matrix, number, refuse, whole

# Replicates of a null or a bootstrap at most.
_REPLICATES = 1_000_000


@dataclass(frozen=True)
class Discrepancy:
    """What :func:`discrepancy` found; shown as a table in a notebook."""

    value: float
    """D: mean cost of the assignment on the evaluated samples; with ``error`` from 0 to 1, lower is closer."""
    assignment: dict[Any, int | None] = field(repr=False)
    """The source class, by its column, that stands for each target label; None for one without samples."""
    lower_bound: float
    """Proven lower bound of ``fit_value`` over all assignments."""
    gap: float
    """``fit_value - lower_bound``."""
    certified: bool
    """Whether the assignment is proven optimal on the samples it was chosen on."""
    fit_value: float
    """Mean cost on the samples that the assignment was chosen on; ``value`` without a held-out part."""
    null_mean: float | None
    """Mean of ``value`` over shuffled targets, each searched anew."""
    null_interval: list[float] | None
    """2.5 % and 97.5 % quantiles of the same."""
    chance: float
    """Expected cost of an assignment drawn at random."""
    normalized: float | None
    """``value / null_mean``: 0 a perfect fit, 1 knows nothing."""
    interval: list[float] | None
    """95 % interval (bootstrap) of what this assignment costs on new samples; None without a held-out part."""
    infimum_interval: list[float] | None
    """95 % interval of D itself over all assignments, conservative; None without a held-out part."""
    divergence: str
    search: str
    holdout: float | None
    """Share of the samples that was held out."""
    samples: int
    """Evaluated samples (pairs of a sample and one of its classes for several classes a sample)."""
    groups: int
    """Groups of samples."""
    groups_per_class: int
    """Groups of the class that has fewest."""
    nodes: int
    """Nodes of branch and bound."""
    candidates: dict[str, Any] | None
    """Source classes that were looked at, where that is not all of them."""
    seconds: float = field(compare=False)

    def _repr_html_(self) -> str:
        def shown(value: object) -> str:
            if isinstance(value, float):
                return f"{value:.4f}"
            if isinstance(value, list):
                return " to ".join(f"{end:.4f}" for end in value)
            return html.escape(str(value))

        names = ["value", "interval", "infimum_interval", "normalized", "null_mean", "chance", "certified", "samples"]
        facts = {name: getattr(self, name) for name in names}
        rows = [f"<tr><th>{name}</th><td>{shown(value)}</td></tr>" for name, value in facts.items() if value is not None]
        return f"<table><caption>D, {html.escape(self.divergence)}</caption>{''.join(rows)}</table>"


def discrepancy(
    source_probs: Any,
    target_labels: Any = None,
    divergence: str = "error",
    *,
    target_probs: Any = None,
    holdout: float | bool | None = None,
    groups: Any = None,
    search: str = "exact",
    nodes: int | None = None,
    bootstrap: int = 1000,
    null: int = 200,
    random_state: int = 0,
    softmax: bool = False,
) -> Discrepancy:
    """D(Ms, Mt): how well source classes stand in for target classes, before anything is trained.

    Each target class is given one source class of its own by the best assignment; D is the mean cost that remains.

    Parameters
    ----------
    source_probs : array of shape [N, Ks]
        What the source model says of the target's samples: rows sum to one (within 0.001), or with ``softmax`` logits.
    target_labels : array of shape [N], or of zeros and ones [N, Kt]
        The target's label of each sample; or for samples of several classes a column for each class.
    divergence : {"error", "nll", "brier", "tv", "nll-renormalized", "kl-renormalized", "tv-renormalized"}
        What a source probability p costs; ``error`` is 1 - p.
    target_probs : array of shape [N, Kt]
        The target's probabilities, in place of labels.
    holdout : float, True or None
        Choose the assignment on one part and evaluate it on this share, class by class (True: one half). Without, both
        are done on the same samples, which is optimistic.
    groups : array of shape [N]
        Which samples belong together (windows of a clip, a person's repetitions): whole numbers or text.
    search : {"exact", "local", "greedy", "brute"}
    nodes : int or None
        Nodes of branch and bound at most (renormalised divergences); None goes by the size.
    bootstrap, null : int
        Resamples for the interval and shuffles of the targets for the null; 0 for none.
    random_state : int
        Seed of split, shuffles and resamples.
    softmax : bool
        Take ``source_probs`` for logits.

    Returns
    -------
    Discrepancy

    Raises
    ------
    ValueError
        For rows that are no probabilities, more target than source classes, lengths that differ, settings out of range.

    Notes
    -----
    Ma et al., Learning Modality Knowledge Alignment for Cross-Modality Transfer, ICML 2024. It is what
    ``modalign discrepancy`` computes, to the last bit.

    Examples
    --------
    A source model of three classes, four samples of two target classes:

    >>> from modalign import discrepancy
    >>> p = [[0.7, 0.2, 0.1], [0.8, 0.1, 0.1], [0.1, 0.3, 0.6], [0.2, 0.2, 0.6]]
    >>> d = discrepancy(p, ["cat", "cat", "dog", "dog"], null=0)
    >>> round(d.value, 3), d.assignment, d.certified
    (0.325, {'cat': 0, 'dog': 2}, True)
    """
    probs = matrix(source_probs, "source_probs")
    rows = len(probs)
    if divergence not in _core.divergences():
        refuse("divergence", f"one of {', '.join(_core.divergences())}", repr(divergence))
    if search not in _core.searches():
        refuse("search", f"one of {', '.join(_core.searches())}", repr(search))
    if (target_labels is None) == (target_probs is None):
        found = "neither" if target_labels is None else "both"
        refuse("target", "target_labels or target_probs", found)
    codes = hot = conditionals = None
    if target_probs is not None:
        conditionals = doubles(target_probs, "target_probs")
        classes = list(range(conditionals.shape[1]))
    else:
        given = _array(target_labels, "target_labels")
        if given.ndim == 2 and given.shape[1] != 1:
            hot = doubles(given, "target_labels")
            classes = list(range(hot.shape[1]))
        else:
            names, codes = labels(given, "target_labels", rows)
            classes = names.tolist()
    if holdout is not None and holdout is not False:
        holdout = 0.5 if holdout is True else number(holdout, "holdout")
    settings = {
        "softmax": bool(softmax),
        "divergence": divergence,
        "search": search,
        "nodes": None if nodes is None else whole(nodes, "nodes", 0),
        "holdout": None if holdout is False else holdout,
        "bootstrap": whole(bootstrap, "bootstrap", 0, _REPLICATES),
        "null": whole(null, "null", 0, _REPLICATES),
        "seed": whole(random_state, "random_state", 0),
    }
    said = _core.discrepancy(probs, codes, len(classes), hot, conditionals, numbered(groups, rows), settings)
    found = json.loads(said)
    found["assignment"] = dict(zip(classes, found["assignment"], strict=True))
    return Discrepancy(**found)
