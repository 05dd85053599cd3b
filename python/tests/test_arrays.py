"""What arrives: taken without a copy, converted without loss, or refused in words."""

import modalign as m
import numpy as np
import pytest
from modalign._arrays import labels, matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_are_not_copied(dtype, order):
    X = np.ones((5, 3), dtype=dtype, order=order)
    assert matrix(X, "X") is X
    view = X[::-2, 1:]
    assert matrix(view, "X") is view
    X.flags.writeable = False
    assert m.uniformity(X) == 0


def test_large_features_are_borrowed():
    """Of 200 MB nothing but a block is copied."""
    import resource

    X = np.asfortranarray(np.random.default_rng(0).normal(size=(400_000, 64)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    m.cka(X, X[:, :3])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 40_000, f"{grown} kB for features of {X.nbytes // 1000} kB"


def test_other_numbers_are_converted_without_loss(features):
    X, y = features
    half = X.astype(np.float16)
    assert m.logme(half, y) == m.logme(half.astype(np.float32), y)
    assert m.logme(X.astype(">f4"), y) == m.logme(X, y)
    assert m.logme((100 * X).astype(np.int16), y) == m.logme((100 * X).astype(np.int16).astype(np.float32), y)
    assert m.logme(X.tolist(), y.tolist()) == m.logme(X.astype(float), y)
    raw = np.zeros(X.nbytes + 1, dtype=np.uint8)
    odd = raw[1:].view(np.float32).reshape(X.shape)
    odd[:] = X
    assert not odd.flags.aligned and m.logme(odd, y) == m.logme(X, y)


def test_frames_and_tensors_are_arrays(features):
    X, y = features
    expected = m.silhouette(X, y)
    polars = pytest.importorskip("polars")
    assert m.silhouette(polars.DataFrame(X), polars.Series(y)) == expected
    pandas = pytest.importorskip("pandas")
    assert m.silhouette(pandas.DataFrame(X), pandas.Series(y).map(str).astype("category")) == expected


def test_tensors_of_torch_are_arrays(features):
    torch = pytest.importorskip("torch")
    X, y = features
    x = torch.tensor(X, requires_grad=True)
    assert m.logme(x, torch.tensor(y)) == m.logme(X, y)
    assert m.logme(x.bfloat16(), y) == m.logme(x.detach().bfloat16().float().numpy(), y)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "b"], ["a", "b"]),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
        (np.array([7, -2, 7], dtype=np.int8), [-2, 7]),
        (np.array([2**63, 1, 2**63], dtype=np.uint64), [1, 2**63]),
        ([True, False, True], [False, True]),
        ([1.0, 0.0, 1.0], [0, 1]),
        ([[1], [0], [1]], [0, 1]),
        (np.array([1, 0, 1], dtype=object), [0, 1]),
    ],
)
def test_labels_of_any_kind(y, classes):
    found, codes = labels(y, "y", 3)
    assert found.tolist() == classes and codes.tolist() == [1, 0, 1] and codes.dtype == np.int64


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0, 1], "y: expected 3, one a sample, found 2"),
        ([[0, 1]] * 3, r"y: expected one label a sample, \[N\], found an array of shape \[3, 2\]"),
        ([0.5, 1, 2], "y, row 0: expected a whole number, found 0.5"),
        ([0, np.nan, 1], "y, row 1: expected a whole number, found nan"),
        (["a", None, "b"], "y, row 1: expected whole numbers or text, one of them throughout, found None"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), "y: expected whole numbers or text, found dtype datetime64"),
        (np.ma.array([0, 1, 1], mask=[0, 0, 1]), "y: expected an array without masked values"),
    ],
)
def test_labels_are_refused(y, words):
    with pytest.raises(ValueError, match=words):
        m.logme(np.eye(3), y)


NAN = np.eye(3)
NAN[2, 1] = np.nan


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (NAN, "features: expected finite numbers, found NaN in row 2, column 1"),
        (np.ones(3), r"X: expected a matrix \[N, D\], found an array of shape \[3\]"),
        (np.eye(3) * 1j, "X: expected float32, float64 or what becomes them without loss, found dtype complex128"),
        (np.eye(3, dtype=np.longdouble), "X: expected float32, .* found dtype float128"),
        (np.array([["a"] * 3] * 3), "X: expected float32, .* found dtype <U1"),
        (np.full((3, 2), 2**60), "X: expected whole numbers up to 2.53"),
        (np.ma.array(np.eye(3), mask=np.eye(3)), "X: expected an array without masked values"),
        ([[1, 2], [3]], "X: expected an array, found list"),
        (np.ones((3, 0)), "features: expected at least 1, found 0"),
    ],
)
def test_features_are_refused(X, words):
    with pytest.raises(ValueError, match=words):
        m.hscore(X, [0, 1, 1])


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="X: expected a dense array, found a sparse csr_"):
        m.uniformity(sparse.csr_array(np.eye(3)))


def test_what_does_not_fit_together_is_refused(probabilities):
    p, y = probabilities
    X = np.random.default_rng(0).normal(size=(30, 3))
    cases = [
        (lambda: m.cka(X, X[:20]), "rows of the second features: expected 30, found 20"),
        (lambda: m.cka(X, np.ones((30, 2))), "second features that vary: expected at least 1, found 0"),
        (lambda: m.cka(X[:3], X[:3]), "debiased CKA: expected at least 4 samples"),
        (lambda: m.knn(X, [0] * 30, X[:, :2], [0] * 30), "test features: expected 3, found 2"),
        (lambda: m.knn(X, ["a"] * 30, X, [0] * 30), "y_test: expected text, as y has, found whole numbers"),
        (lambda: m.knn(X, [0] * 30, X, [0] * 30, k=0), "k: expected a whole number from 1, found 0"),
        (lambda: m.modality_gap(X, X[:, :2]), "columns of the second features: expected 3, found 2"),
        (lambda: m.alignment(X, range(30)), "y: expected at least 1 pair of one class, found 0"),
        (lambda: m.silhouette(X, [0] * 30), "classes that occur: expected at least 2, found 1"),
        (lambda: m.leep(X, [0] * 30), "source probabilities"),
        (lambda: m.otdd(X, [0] * 30, X, [0] * 30, blur=-1), "blur: expected a length"),
        (lambda: m.discrepancy(np.log(p), y), "if these are logits, softmax=True"),
        (lambda: m.discrepancy(p / 2, y), "expected a sum of 1"),
        (lambda: m.discrepancy(p, y, "magic"), "divergence: expected one of error, nll, .*, found 'magic'"),
        (lambda: m.discrepancy(p), "target: expected target_labels or target_probs, found neither"),
        (lambda: m.discrepancy(p, y, holdout=1.5), "holdout: expected a share between 0 and 1, found 1.5"),
        (lambda: m.discrepancy(p, y, null=-1), "null: expected a whole number from 0"),
        (lambda: m.discrepancy(p[:, :2] / p[:, :2].sum(1, keepdims=True), y), "target classes: expected at most 2"),
        (lambda: m.discrepancy(p, target_probs=np.ones((200, 3))), "target probabilities: row 0: expected a sum"),
        (lambda: m.discrepancy(p, y, groups=[0, 1]), "groups: expected 200, one a sample, found 2"),
        (lambda: m.compare({"a": X}, [0] * 30), "encoders: expected 2 to 24, found 1"),
        (lambda: m.compare([X, X], [0] * 30), "encoders: expected a mapping"),
        (lambda: m.compare({"a": X, "b": X[:9]}, [0] * 30), "b: samples: expected 30, as a has, found 9"),
        (lambda: m.compare({"a": X, "b": X}, [0] * 30), "expected at least 2 classes with training samples"),
        (lambda: m.compare({"a": X, "b": X + 1e12}, [0, 1] * 15), "b, column ., *expected numbers that single precision"),
    ]
    for call, words in cases:
        with pytest.raises(ValueError) as refused:
            call()
        import re

        assert re.search(words.replace(", *", ".*"), str(refused.value)), (words, str(refused.value))
