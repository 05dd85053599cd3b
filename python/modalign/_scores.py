"""Scores of a target before any training: how near it is to the source, as floats.

They are the scores of a report, computed by the same functions; docs/measures.md says what each tells and what it
cannot say.
"""

from __future__ import annotations

import warnings
from typing import Any

from . import _core
from ._arrays import labels, matrix, number, whole
from ._measures import _left_out


def modality_gap(X: Any, Z: Any) -> float:
    """How far two sets of features lie from each other on the unit sphere, in mean.

    Parameters
    ----------
    X : array of shape [N, D]
    Z : array of shape [M, D]
        Features of two modalities in one space. Rows that are zero throughout are left out, with a warning.

    Returns
    -------
    float
        Norm of the difference of the two means of features scaled to length one, from 0 to 2.

    Raises
    ------
    ValueError
        Without samples, for other numbers of features, NaN or infinity.

    Notes
    -----
    Liang et al., Mind the gap: understanding the modality gap in multi-modal contrastive representation learning,
    NeurIPS 2022.

    Examples
    --------
    >>> from modalign import modality_gap
    >>> modality_gap([[1.0, 0.0]], [[-5.0, 0.0]])
    2.0
    """
    value, left_out = _core.modality_gap(matrix(X, "X"), matrix(Z, "Z"))
    _left_out("modality_gap, X", left_out[0])
    _left_out("modality_gap, Z", left_out[1])
    return value


def leep(source_probs: Any, target_labels: Any) -> float:
    """LEEP: how probable target labels are if every source class stands in for the target classes it is seen with.

    Parameters
    ----------
    source_probs : array of shape [N, Ks]
        Probabilities that the source model gives to the target's samples; rows sum to one.
    target_labels : array of shape [N]
        Labels of the same samples.

    Returns
    -------
    float
        Mean log probability in nats, at most 0; higher is better.

    Raises
    ------
    ValueError
        Without samples, for rows that are no probabilities, NaN or infinity.

    Notes
    -----
    Nguyen et al., LEEP: a new measure to evaluate transferability of learned representations, ICML 2020.

    Examples
    --------
    >>> from modalign import leep
    >>> leep([[1.0, 0.0], [0.0, 1.0]], ["cat", "dog"])
    0.0
    """
    source_probs = matrix(source_probs, "source_probs")
    classes, codes = labels(target_labels, "target_labels", len(source_probs))
    return _core.leep(source_probs, codes, len(classes))


def nce(source_probs: Any, target_labels: Any) -> float:
    """NCE: how far the source model's most probable class of a sample determines its target label.

    Parameters
    ----------
    source_probs : array of shape [N, Ks]
        Probabilities, or any scores, that the source model gives to the target's samples; of equal ones the first
        counts.
    target_labels : array of shape [N]
        Labels of the same samples.

    Returns
    -------
    float
        Negative conditional entropy in nats, from -log K to 0; higher is better.

    Raises
    ------
    ValueError
        Without samples, for NaN or infinity.

    Notes
    -----
    Tran, Nguyen and Hassner, Transferability and hardness of supervised classification tasks, ICCV 2019.

    Examples
    --------
    >>> from modalign import nce
    >>> round(nce([[0.9, 0.1], [0.8, 0.2]], ["cat", "dog"]), 3)
    -0.693
    """
    source_probs = matrix(source_probs, "source_probs")
    _, codes = labels(target_labels, "target_labels", len(source_probs))
    return _core.nce(source_probs, codes)


def otdd(
    X_source: Any,
    y_source: Any,
    X_target: Any,
    y_target: Any,
    *,
    blur: float = 0.1**0.5,
    inner: str = "gaussian",
    shrinkage: float = 0.0,
    max_per_class: int | None = None,
    max_iter: int = 1000,
    tol: float = 1e-6,
    random_state: int = 0,
) -> float:
    """OTDD: how far the source must be moved, samples with their classes, to become the target. Lower is nearer.

    Parameters
    ----------
    X_source, y_source : arrays of shape [N, D] and [N]
        Embedded source samples and their labels.
    X_target, y_target : arrays of shape [M, D] and [M]
        Embedded target samples and their labels; the classes are their own.
    blur : float
        Square root of the entropic regularisation, in units of the features.
    inner : {"gaussian", "exact"}
        A class as a Gaussian, or as its points.
    shrinkage : float
        Share of a multiple of the identity in every Gaussian's covariance.
    max_per_class : int or None
        Draw at most so many samples of a class, by ``random_state``; None takes all.
    max_iter, tol
        Iterations after annealing, and the violation of marginals that counts as converged.

    Returns
    -------
    float
        Debiased Sinkhorn divergence of cost (|x - x'|^2 + W2^2(y, y')) / 2, from 0, in squared units of the features.
        A value that had not converged is told by a warning.

    Raises
    ------
    ValueError
        Without samples, for other numbers of features, settings out of range, NaN or infinity.

    Notes
    -----
    Alvarez-Melis and Fusi, Geometric dataset distances via optimal transport, NeurIPS 2020. Memory O(N M + N^2 + M^2).

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import otdd
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0], [6.0, 5.0]])
    >>> y = [0, 0, 1, 1]
    >>> abs(otdd(X, y, X, y)) < 1e-9
    True
    >>> otdd(X, y, X + 3, y) > 5
    True
    """
    X_source, X_target = matrix(X_source, "X_source"), matrix(X_target, "X_target")
    of, of_codes = labels(y_source, "y_source", len(X_source))
    to, to_codes = labels(y_target, "y_target", len(X_target))
    if inner not in ("gaussian", "exact"):
        raise ValueError(f"inner: expected gaussian or exact, found {inner!r}")
    settings = {
        "blur": number(blur, "blur"),
        "shrinkage": number(shrinkage, "shrinkage"),
        "exact": inner == "exact",
        "max_iter": whole(max_iter, "max_iter", 0),
        "tol": number(tol, "tol"),
        "max_per_class": None if max_per_class is None else whole(max_per_class, "max_per_class", 1),
        "seed": whole(random_state, "random_state", 0),
    }
    value, converged = _core.otdd(X_source, of_codes, len(of), X_target, to_codes, len(to), settings)
    if not converged:
        warnings.warn("otdd: the transport had not converged; a larger max_iter or blur helps", stacklevel=2)
    return value
