"""scikit-learn's own checks of estimators, and agreement with its logistic regression."""

import pickle
import warnings

import numpy as np
import pytest
from modalign import TSNE, LinearProbe
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([LinearProbe(), LinearProbe(C=10.0, standardize=False), TSNE(perplexity=5, max_iter=50)])
def test_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="perplexity .* lowered")
        check(estimator)


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_scikit_learns_optimum(features, classes):
    X, y = features
    X, y = X[y < classes].astype(np.float64), y[y < classes]
    own = LinearProbe(C=0.3, standardize=False, tol=1e-9).fit(X, y)
    theirs = LogisticRegression(C=0.3, tol=1e-9, max_iter=5000).fit(X, y)
    assert np.allclose(own.coef_, theirs.coef_, atol=1e-5)
    # Of more than two classes intercepts are defined up to a common constant.
    shift = (own.intercept_ - theirs.intercept_).mean() if classes > 2 else 0.0
    assert np.allclose(own.intercept_ - shift, theirs.intercept_, atol=1e-5)
    assert np.allclose(own.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    scaled = LinearProbe(C=0.3).fit(X, y)
    assert np.allclose(scaled.decision_function(X), (X @ scaled.coef_.T + scaled.intercept_).squeeze(), atol=1e-9)


def test_it_is_one_of_scikit_learns(features):
    X, y = features
    names = np.array(["ant", "bee", "cat", "dog"])[y]
    probe = LinearProbe().fit(X, names)
    assert probe.classes_.tolist() == ["ant", "bee", "cat", "dog"]
    assert set(probe.predict(X)) <= set(names)
    again = pickle.loads(pickle.dumps(probe))
    assert np.array_equal(again.predict_proba(X), probe.predict_proba(X))
    assert cross_val_score(make_pipeline(StandardScaler(), LinearProbe()), X, y, cv=3).mean() > 0.3
    best = GridSearchCV(LinearProbe(), {"C": [0.001, 0.1, 10.0]}, cv=3, n_jobs=2).fit(X, y)
    assert best.best_params_["C"] in (0.001, 0.1, 10.0)


def test_what_did_not_end_is_told(features):
    X, y = features
    with pytest.warns(ConvergenceWarning, match="1 iterations before its optimum"):
        assert not LinearProbe(max_iter=1).fit(X, y).converged_
    with pytest.warns(UserWarning, match="perplexity 30.0 lowered to 6, the most that 20 samples carry"):
        assert TSNE(max_iter=10).fit(X[:20]).perplexity_ == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"C": -1.0}, "c: expected a positive number, found -1"),
        ({"C": "much"}, "C: expected a number, found 'much'"),
        ({"max_iter": 0}, "max_iter: expected a whole number from 1, found 0"),
        ({"max_iter": 2.5}, "max_iter: expected a whole number, found 2.5"),
        ({"tol": float("nan")}, "tolerance: expected a positive number, found NaN"),
    ],
)
def test_settings_of_the_probe_are_refused(features, settings, words):
    with pytest.raises(ValueError, match=words):
        LinearProbe(**settings).fit(*features)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"perplexity": 0.5}, "perplexity: expected a number from 1, found 0.5"),
        ({"method": "magic"}, "method: expected auto, exact, barnes-hut, fft or linfa, found \"magic\""),
        ({"pca": 1}, "pca: expected a whole number from 2, found 1"),
        ({"angle": 2}, "theta: expected a number in"),
        ({"random_state": -1}, "random_state: expected a whole number from 0, found -1"),
    ],
)
def test_settings_of_the_map_are_refused(features, settings, words):
    with pytest.raises(ValueError, match=words):
        TSNE(**settings).fit(features[0])
