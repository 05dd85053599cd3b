"""Measures of features and scores of targets: each takes arrays and gives a float.

They are the measures of a report and of ``modalign compare``, computed by the same functions; docs/measures.md says
what each tells and what it cannot say.
"""

from __future__ import annotations

import warnings
from typing import Any

from . import _core
from ._arrays import labels, matrix, number, together, whole


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
