"""What Python computes is what the command computes, to the last bit, in both precisions and any order of memory."""

import modalign as m
import numpy as np
import pytest
from conftest import layouts


def test_the_probe_is_the_commands(modalign, features, tmp_path):
    X, y = features
    train, test = np.arange(240) % 3 > 0, np.arange(240) % 3 == 0
    np.savez(tmp_path / "train.npz", features=X[train], labels=y[train])
    np.savez(tmp_path / "test.npz", features=X[test], labels=y[test])
    for standardize in (True, False):
        found = modalign(
            "probe", "--train", tmp_path / "train.npz", "--test", tmp_path / "test.npz", "--c", 0.5,
            "--standardize", str(standardize).lower(), "--json",
        )  # fmt: skip
        for name, x in layouts(X):
            probe = m.LinearProbe(C=0.5, standardize=standardize).fit(x[train], y[train])
            assert 1 - probe.score(x[test], y[test]) == pytest.approx(found["error"], abs=1e-15), name
            assert probe.objective_ == found["objective"], name
            assert probe.n_iter_ == found["iterations"], name
            predicted = probe.predict(x[test])
            confusion = [[int(np.sum((y[test] == a) & (predicted == b))) for b in range(4)] for a in range(4)]
            assert confusion == found["confusion"], name


def test_the_map_is_the_commands(modalign, features, tmp_path):
    X, _ = features
    np.save(tmp_path / "x.npy", X)
    for method, pca in (("exact", "none"), ("barnes-hut", 10)):
        found = modalign(
            "tsne", "--features", tmp_path / "x.npy", "--perplexity", 12, "--iterations", 60, "--seed", 3,
            "--engine", method, "--pca", pca, "--out", tmp_path / "map.npy", "--json",
        )  # fmt: skip
        expected = np.load(tmp_path / "map.npy")
        for name, x in layouts(X):
            tsne = m.TSNE(12, max_iter=60, random_state=3, method=method, pca=None if pca == "none" else pca)
            assert np.array_equal(tsne.fit_transform(x), expected), name
            assert tsne.kl_divergence_ == found["kl"], name
            assert tsne.trustworthiness_ == found["trustworthiness"], name


@pytest.mark.parametrize("divergence", ["error", "nll", "kl-renormalized"])
def test_the_discrepancy_is_the_commands_in_double_precision_too(modalign, probabilities, tmp_path, divergence):
    p, y = probabilities
    groups = np.arange(200) // 4
    np.save(tmp_path / "y.npy", y)
    np.save(tmp_path / "g.npy", groups)
    for dtype in (np.float32, np.float64):
        np.save(tmp_path / "p.npy", p.astype(dtype))
        for more, settings in [
            ([], {}),
            (["--holdout", 0.4, "--seed", 7], {"holdout": 0.4, "random_state": 7}),
            (["--holdout", "--groups", tmp_path / "g.npy"], {"holdout": True, "groups": groups}),
        ]:
            found = modalign(
                "discrepancy", "--source-probs", tmp_path / "p.npy", "--target-labels", tmp_path / "y.npy",
                "--divergence", divergence, "--null", 20, "--bootstrap", 50, *more, "--json",
            )  # fmt: skip
            for name, x in layouts(p.astype(dtype)):
                if not name.startswith(dtype.__name__):
                    continue
                own = m.discrepancy(x, y, divergence, null=20, bootstrap=50, **settings)
                assert list(own.assignment.values()) == found["assignment"], name
                for field in set(found) - {"assignment", "seconds", "converged"}:
                    assert getattr(own, field) == found[field], (name, field)


def test_logits_several_classes_and_distributions_are_the_commands(modalign, probabilities, tmp_path):
    p, y = probabilities
    hot, t = np.eye(3)[y], np.full((200, 3), 0.1)
    hot[::5, 0] = 1
    t[np.arange(200), y] = 0.8
    np.savez(tmp_path / "l.npz", logits=np.log(p), labels=y)
    np.save(tmp_path / "p.npy", p)
    np.save(tmp_path / "hot.npy", hot)
    np.save(tmp_path / "t.npy", t)
    few = ["--null", 5, "--json"]
    found = modalign("discrepancy", "--source-probs", tmp_path / "l.npz", "--softmax", *few)
    for order in "CF":
        own = m.discrepancy(np.array(np.log(p), order=order), y, softmax=True, null=5)
        assert (own.value, own.null_mean) == (found["value"], found["null_mean"])
    found = modalign("discrepancy", "--source-probs", tmp_path / "p.npy", "--target-labels", tmp_path / "hot.npy", *few)
    own = m.discrepancy(p, hot.astype(bool), null=5)
    assert (own.value, own.null_mean, own.samples) == (found["value"], found["null_mean"], found["samples"])
    found = modalign("discrepancy", "--source-probs", tmp_path / "p.npy", "--target-probs", tmp_path / "t.npy", *few)
    own = m.discrepancy(p, target_probs=np.asfortranarray(t), null=5)
    assert (own.value, own.null_mean) == (found["value"], found["null_mean"])


def test_comparisons_and_single_measures_are_the_commands(modalign, features, tmp_path):
    X, y = features
    Z = (X[:, :9] + 0.5 * np.random.default_rng(1).normal(size=(240, 9))).astype(np.float32)
    np.savez(tmp_path / "a.npz", features=X, labels=y)
    np.savez(tmp_path / "b.npz", features=Z, labels=y)
    found = modalign("compare", tmp_path / "a.npz", tmp_path / "b.npz", "--iterations", 0, "--sample", 60, "--out",
                     tmp_path / "out", "--json")  # fmt: skip
    zs = [z for _, z in layouts(Z)]
    for (name, x), z in zip(layouts(X), zs, strict=True):
        own = m.compare({"a": x, "b": z}, y, sample=60)
        for key in ("cka", "differences", "class_differences", "samples", "notes", "settings"):
            assert own.record[key] == found[key], (name, key)
        for mine, theirs in zip(own.record["encoders"], found["encoders"], strict=True):
            assert mine["measures"] == theirs["measures"], name
            assert (mine["c"], mine["classes"]) == (theirs["c"], theirs["classes"]), name
        test, train, sample = own.test_rows, own.train_rows, own.sample_rows
        for title, f in (("a", x), ("b", z)):
            assert m.logme(f[test], y[test]) == own.value(title, "logme"), name
            assert m.hscore(f[test], y[test]) == own.value(title, "h-score"), name
            assert m.silhouette(f[sample], y[sample]) == own.value(title, "silhouette"), name
            assert m.alignment(f[sample], y[sample]) == own.value(title, "alignment"), name
            assert m.uniformity(f[sample]) == own.value(title, "uniformity"), name
            # The command counts errors and takes them from one.
            accuracy = pytest.approx(own.value(title, "knn-accuracy"), abs=1e-15)
            assert m.knn(f[train], y[train], f[test], y[test]) == accuracy, name
        assert m.cka(x[test], z[test]) == own.cka[0][1], name


def test_scores_of_a_target_are_the_commands(modalign, tmp_path, features, probabilities):
    X, _ = features
    p, t = probabilities
    p, X = p.astype(np.float32), X[: len(t)]
    Z = (X[:80] + 0.5).astype(np.float32)
    for name, array in (("x", X), ("t", t), ("p", p), ("z", Z)):
        np.save(tmp_path / f"{name}.npy", array)
    x, y, probs, z = (tmp_path / f"{name}.npy" for name in "xtpz")
    found = modalign("transferability", x, "--target-labels", y, "--source-probs", probs, "--source-features", z,
                     "--folds", 0, "--json")  # fmt: skip
    said = {score["name"]: score["value"] for score in found["scores"]}
    assert m.logme(X, t) == said["logme"]
    assert m.hscore(X, t) == said["h-score"]
    assert m.leep(p, t) == said["leep"]
    assert m.nce(p, t) == said["nce"]
    assert m.modality_gap(X, Z) == said["modality-gap"]
    half = len(t) // 2
    for name, rows in (("a", slice(half)), ("b", slice(half, None))):
        np.savez(tmp_path / f"{name}.npz", features=X[rows], labels=t[rows])
    theirs = modalign("otdd", tmp_path / "a.npz", tmp_path / "b.npz", "--samples", 0, "--blur", 1.0, "--folds", 0,
                      "--json")  # fmt: skip
    assert m.otdd(X[:half], t[:half], X[half:], t[half:], blur=1.0) == theirs["value"]


def test_no_order_of_memory_and_no_precision_changes_a_bit(features, probabilities):
    """The functions beside, on the same numbers; `x[test]` above is a copy, here nothing is."""
    X, y = features
    X[7] = 0
    p, t = probabilities
    p = p.astype(np.float32)
    half = len(X) // 2
    measures = {
        "cka": lambda x: m.cka(x, x[:, :5]),
        "logme": lambda x: m.logme(x, y),
        "hscore": lambda x: m.hscore(x, y),
        "silhouette": lambda x: m.silhouette(x, y),
        "alignment": lambda x: m.alignment(x, y),
        "uniformity": m.uniformity,
        "knn": lambda x: m.knn(x[:half], y[:half], x[half:], y[half:], k=3),
        "modality_gap": lambda x: m.modality_gap(x[:half], x[half:]),
        "otdd": lambda x: m.otdd(x[:half], y[:half], x[half:], y[half:], blur=1.0, tol=1e-4),
    }
    with pytest.warns(UserWarning, match="1 rows are zero throughout"):
        for name, measure in measures.items():
            values = {layout: measure(x) for layout, x in layouts(X)}
            assert len(set(values.values())) == 1, (name, values)
    for measure in (m.leep, m.nce):
        assert len({measure(x, t) for _, x in layouts(p)}) == 1
