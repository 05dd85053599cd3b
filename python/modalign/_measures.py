"""Measures of features: each takes arrays and gives a float.

They are the measures of a report and of ``modalign compare``, computed by the same functions; docs/measures.md says
what each tells and what it cannot say.
"""

from __future__ import annotations

import warnings
from typing import Any

from . import _core
from ._arrays import labels, matrix, together, whole


def _left_out(what: str, rows: list[int]) -> None:
    """Tells which rows have no direction."""
    if rows:
        shown = ", ".join(map(str, rows[:8])) + (", …" if len(rows) > 8 else "")
        warnings.warn(f"{what}: {len(rows)} rows are zero throughout and were left out ({shown})", stacklevel=3)


def cka(X: Any, Y: Any, *, debiased: bool = True) -> float:
    """Linear centred kernel alignment of two representations of the same samples.

    1 where they agree up to rotation and scale, about 0 where they are unrelated; it has no unit.

    Parameters
    ----------
    X : array of shape [N, D1]
    Y : array of shape [N, D2]
        Features of the same samples, row by row.
    debiased : bool
        Unbiased estimators in numerator and root (in [-1, 1], as in reports), so that few samples do not raise it;
        False gives the plain value (in [0, 1]).

    Raises
    ------
    ValueError
        Below two samples (debiased: four), for unequal numbers of rows, for features that do not vary, NaN or infinity.

    Notes
    -----
    Kornblith et al., Similarity of neural network representations revisited, ICML 2019; unbiased: Song et al., ICML
    2007. Time O(N (D1 + D2)^2).

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import cka
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(cka(X, 3 * X[:, ::-1]), 6)
    1.0
    """
    plain, unbiased = _core.cka(matrix(X, "X"), matrix(Y, "Y"))
    if not debiased:
        return plain
    if unbiased is None:
        found = "fewer, or all of them equally far from each other"
        raise ValueError(f"debiased CKA: expected at least 4 samples at unequal distances, found {found}")
    return unbiased


def logme(X: Any, y: Any) -> float:
    """LogME: how probable the labels are under the best linear model of the features. Higher is better.

    Parameters
    ----------
    X : array of shape [N, D]
        Features; they are not centred, so their origin counts.
    y : array of shape [N]
        Labels.

    Returns
    -------
    float
        Logarithm of the maximum evidence over N, averaged over classes; any number, comparable between features of the
        same samples alone.

    Raises
    ------
    ValueError
        Without samples or features, for NaN or infinity.

    Notes
    -----
    You et al., LogME: practical assessment of pre-trained models for transfer learning, ICML 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import logme
    >>> y = np.repeat([0, 1], 30)
    >>> noise = np.random.default_rng(0).normal(size=(60, 3))
    >>> logme(noise + y[:, None], y) > logme(noise, y)
    True
    """
    X = matrix(X, "X")
    classes, codes = labels(y, "y", len(X))
    value, converged = _core.logme(X, codes, len(classes))
    if not converged:
        warnings.warn("logme: the evidence of a class had not come to rest; the value is not exact", stacklevel=2)
    return value


def hscore(X: Any, y: Any, *, shrinkage: bool = True) -> float:
    """H-score: how much of the features' variance, in units of itself, lies between the classes. Higher is better.

    Parameters
    ----------
    X : array of shape [N, D]
        Features.
    y : array of shape [N]
        Labels.
    shrinkage : bool
        Shrink the covariance by Ledoit and Wolf's share (as in reports), or take it as it is.

    Returns
    -------
    float
        From 0 to about K - 1.

    Raises
    ------
    ValueError
        Below two samples, without features, for NaN or infinity.

    Notes
    -----
    Bao et al., An information-theoretic approach to transferability in task transfer learning, ICIP 2019; shrunk:
    Ibrahim et al., Newer is not always better, ECML PKDD 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import hscore
    >>> hscore(np.array([[0.0], [0.1], [1.0], [1.1]]), ["a", "a", "b", "b"], shrinkage=False) > 0.98
    True
    """
    X = matrix(X, "X")
    classes, codes = labels(y, "y", len(X))
    return _core.hscore(X, codes, len(classes), bool(shrinkage))


def silhouette(X: Any, y: Any) -> float:
    """Silhouette: whether samples are nearer to their own class than to the next. Higher is better.

    Parameters
    ----------
    X : array of shape [N, D]
        Features.
    y : array of shape [N]
        Labels.

    Returns
    -------
    float
        From -1 to 1.

    Raises
    ------
    ValueError
        With fewer than two classes, if every sample is a class of its own, for NaN or infinity.

    Notes
    -----
    Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, J. Comput. Appl.
    Math. 1987. Time O(N^2 D).

    Examples
    --------
    >>> from modalign import silhouette
    >>> round(silhouette([[0.0], [1.0], [10.0], [11.0]], ["left", "left", "right", "right"]), 3)
    0.9
    """
    X = matrix(X, "X")
    classes, codes = labels(y, "y", len(X))
    return _core.silhouette(X, codes, len(classes))


def alignment(X: Any, y: Any) -> float:
    """Alignment: how near features of one class are to each other on the unit sphere. Lower is better.

    It is lowest where all features are one point: read it beside :func:`uniformity`.

    Parameters
    ----------
    X : array of shape [N, D]
        Features; they are scaled to length one. Rows that are zero throughout are left out, with a warning.
    y : array of shape [N]
        Labels.

    Returns
    -------
    float
        Mean squared distance of all pairs of one class, from 0 to 4.

    Raises
    ------
    ValueError
        Without a pair of one class, for NaN or infinity.

    Notes
    -----
    Wang and Isola, Understanding contrastive representation learning through alignment and uniformity on the
    hypersphere, ICML 2020 (alpha = 2). Time O(N^2 D).

    Examples
    --------
    >>> from modalign import alignment
    >>> alignment([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0, 0, 1, 1])
    2.0
    """
    X = matrix(X, "X")
    classes, codes = labels(y, "y", len(X))
    value, _, left_out = _core.geometry(X, codes, len(classes))
    _left_out("alignment", left_out)
    if value is None:
        raise ValueError("y: expected at least 1 pair of one class, found 0")
    return value


def uniformity(X: Any) -> float:
    """Uniformity: how evenly features spread over the unit sphere, whatever their classes. Lower is better.

    Parameters
    ----------
    X : array of shape [N, D]
        Features; they are scaled to length one. Rows that are zero throughout are left out, with a warning.

    Returns
    -------
    float
        Logarithm of the mean of exp(-2 d^2) over all pairs, from -8 to 0.

    Raises
    ------
    ValueError
        Below two samples, for NaN or infinity.

    Notes
    -----
    Wang and Isola, ICML 2020 (t = 2). Time O(N^2 D).

    Examples
    --------
    >>> from modalign import uniformity
    >>> round(uniformity([[1.0, 0.0], [-1.0, 0.0]]), 6)
    -8.0
    """
    X = matrix(X, "X")
    _, codes = labels([0] * len(X), "y", len(X))
    _, value, left_out = _core.geometry(X, codes, 1)
    _left_out("uniformity", left_out)
    return value


def knn(X: Any, y: Any, X_test: Any, y_test: Any, *, k: int = 10) -> float:
    """Accuracy of the vote of the k nearest training samples by cosine similarity. Higher is better.

    Parameters
    ----------
    X, y : arrays of shape [N, D] and [N]
        Training features and labels.
    X_test, y_test : arrays of shape [M, D] and [M]
        Test features and labels.
    k : int
        Neighbours that vote. Equal votes go to the class of larger summed similarity.

    Returns
    -------
    float
        Share of test samples whose class wins, from 0 to 1. Rows that are zero throughout are left out, with a warning.

    Raises
    ------
    ValueError
        For fewer than k training samples, no test sample, other numbers of features, NaN or infinity.

    Notes
    -----
    Wu et al., Unsupervised feature learning via non-parametric instance discrimination, CVPR 2018, with an unweighted
    vote. Time O(N M D).

    Examples
    --------
    >>> from modalign import knn
    >>> knn([[1, 0], [1, 1], [0, 1]], ["x", "x", "y"], [[2, 1], [0, 3]], ["x", "y"], k=1)
    1.0
    """
    X, X_test = matrix(X, "X"), matrix(X_test, "X_test")
    classes, known, asked = together((y, "y", len(X)), (y_test, "y_test", len(X_test)))
    k = whole(k, "k", 1)
    value, _, known_out, asked_out = _core.knn(X, known, X_test, asked, classes, k)
    _left_out("knn, training samples", known_out)
    _left_out("knn, test samples", asked_out)
    return value
