"""The linear probe and t-SNE as estimators of scikit-learn's."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "modalign's estimators: expected scikit-learn from 1.6 on, found none or an older one; "
        "pip install 'scikit-learn>=1.6' brings it"
    ) from error

from . import _core
from ._arrays import number, whole

# The numbers that are computed with; others become the first.
_FLOATS = [np.float64, np.float32]


class LinearProbe(ClassifierMixin, BaseEstimator):
    """Linear probe: how well do frozen features separate classes by hyperplanes?

    Multinomial logistic regression on standardised features, solved to its optimum: the sum of log losses +
    |W|^2 / (2 C), intercepts free, as scikit-learn's ``LogisticRegression`` has it. ``1 - score`` on test features is
    the probe error, the measure of kept source knowledge of Ma et al. (ICML 2024).

    Parameters
    ----------
    C : float
        Inverse strength of the regularisation; the default is CLIP's.
    standardize : bool
        Shift and scale features to mean 0 and deviation 1 of the training features.
    max_iter : int
        L-BFGS iterations at most.
    tol : float
        Largest entry of the gradient of the mean loss that counts as zero.

    Attributes
    ----------
    classes_ : array of shape [K]
        The labels, sorted.
    coef_ : array of shape [K, D], [1, D] for two classes
        Weights of the features as they are given: ``decision_function(X)`` is ``X @ coef_.T + intercept_``, to rounding.
    intercept_ : array of shape [K] or [1]
    n_iter_ : int
        Iterations made.
    objective_ : float
        The objective at the end.
    converged_ : bool
        Whether a stopping rule was met; if not, ``fit`` warns.

    Raises
    ------
    ValueError
        In ``fit`` for fewer than two classes, NaN or infinity, settings out of range; later for other numbers of features.

    Notes
    -----
    Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR workshop 2017. Features in
    float64 are computed with as they are; ``modalign probe`` takes features files in single precision.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import LinearProbe
    >>> X = np.array([[-2.0, 0.3], [-1.0, 0.1], [1.0, 0.2], [2.0, 0.4]])
    >>> probe = LinearProbe(C=1.0).fit(X, ["left", "left", "right", "right"])
    >>> probe.predict([[-1.5, 0.2], [1.5, 0.2]]).tolist()
    ['left', 'right']
    >>> probe.score(X, ["left", "left", "right", "right"])
    1.0
    """

    def __init__(self, C: float = 0.316, *, standardize: bool = True, max_iter: int = 2000, tol: float = 1e-7) -> None:
        self.C = C
        self.standardize = standardize
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: Any, y: Any) -> LinearProbe:
        """Fits the probe to features ``X`` [N, D] and labels ``y`` [N]."""
        C, tol = number(self.C, "C"), number(self.tol, "tol")
        max_iter = whole(self.max_iter, "max_iter", 1)
        X, y = validate_data(self, X, y, dtype=_FLOATS, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        parts, (self.n_iter_, self.objective_, self.converged_) = _core.probe_fit(
            X, codes.astype(np.int64), len(self.classes_), C, bool(self.standardize), max_iter, tol
        )
        self._parts = parts
        weights, intercepts, mean, scale = parts
        self.coef_ = weights / scale
        self.intercept_ = intercepts - self.coef_ @ mean
        if not self.converged_:
            said = f"the probe stopped at {max_iter} iterations before its optimum; a larger max_iter helps"
            warnings.warn(said, ConvergenceWarning, stacklevel=2)
        return self

    def _features(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=_FLOATS, reset=False)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row of ``X`` [N, D]; of equal ones the first."""
        X = self._features(X)
        return self.classes_[_core.probe_predict(X, self._parts)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities [N, K] of ``X`` [N, D], columns as ``classes_``."""
        X = self._features(X)
        return _core.probe_probabilities(X, self._parts)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits [N, K] of ``X`` [N, D]; of two classes those of the second, [N]."""
        X = self._features(X)
        logits = _core.probe_logits(X, self._parts)
        return logits[:, 1] if len(self.classes_) == 2 else logits


class TSNE(TransformerMixin, BaseEstimator):
    """t-SNE: a map of features in the plane that keeps neighbourhoods.

    Parameters
    ----------
    perplexity : float
        Effective number of neighbours; lowered, with a warning, where there are not three times as many samples.
    max_iter : int
        Steps of gradient descent.
    random_state : int, RandomState or None
        Seed of the first positions. The same seed gives the same bytes (but with ``method="linfa"``).
    method : {"auto", "exact", "barnes-hut", "fft", "linfa"}
        What moves the points; ``auto`` is exact up to 1,000 samples, then fft.
    pca : int or None
        Principal components to keep first, or None to keep all features.
    angle : float
        Accuracy of Barnes-Hut, from 0 (exact) to 1.

    Attributes
    ----------
    embedding_ : array of shape [N, 2]
    kl_divergence_ : float
        Of the map from the affinities of the features.
    trustworthiness_ : float or None
        Share of the map's neighbourhoods (12 neighbours) that are true; None below 25 samples.
    perplexity_ : float
        The perplexity that ran.
    method_ : str
        The engine that ran.
    converged_ : bool or None
        Whether the map had come to rest.
    n_iter_ : int
        Steps made.

    Raises
    ------
    ValueError
        In ``fit`` below four samples, for NaN or infinity, settings out of range.

    Notes
    -----
    van der Maaten and Hinton, Visualizing data using t-SNE, JMLR 2008. There is no ``transform``: a map has no places for
    samples that it was not made of.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import TSNE
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> tsne = TSNE(perplexity=10, random_state=0)
    >>> tsne.fit_transform(X).shape
    (60, 2)
    >>> 0 < tsne.kl_divergence_ < 2
    True
    """

    def __init__(
        self,
        perplexity: float = 30.0,
        *,
        max_iter: int = 1000,
        random_state: Any = 0,
        method: str = "auto",
        pca: int | None = 50,
        angle: float = 0.5,
    ) -> None:
        self.perplexity = perplexity
        self.max_iter = max_iter
        self.random_state = random_state
        self.method = method
        self.pca = pca
        self.angle = angle

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)) and not isinstance(self.random_state, bool):
            return whole(self.random_state, "random_state", 0)
        return int(check_random_state(self.random_state).randint(2**31))

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Makes the map of features ``X`` [N, D]; ``y`` is not looked at."""
        settings = {
            "perplexity": number(self.perplexity, "perplexity"),
            "max_iter": whole(self.max_iter, "max_iter", 1),
            "engine": str(self.method),
            "pca": None if self.pca is None else whole(self.pca, "pca", 2),
            "theta": number(self.angle, "angle"),
            "seed": self._seed(),
        }
        X = validate_data(self, X, dtype=_FLOATS, ensure_min_samples=4)
        self.embedding_, said = _core.tsne(X, settings)
        said = json.loads(said)
        self.kl_divergence_ = said["kl"]
        self.trustworthiness_ = said["trustworthiness"]
        self.perplexity_ = said["perplexity"]
        self.method_ = said["engine"]
        self.converged_ = said["converged"]
        self.n_iter_ = settings["max_iter"]
        if self.perplexity_ < settings["perplexity"]:
            said = f"perplexity {settings['perplexity']} lowered to {self.perplexity_:.4g}, the most that {len(X)} samples carry"
            warnings.warn(said, stacklevel=2)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Makes the map of ``X`` [N, D] and gives it, [N, 2]."""
        return self.fit(X).embedding_
