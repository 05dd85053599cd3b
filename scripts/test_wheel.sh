#!/usr/bin/env bash
# Tests the newest wheel of a folder as its users get it: in a fresh environment, from the root of the repository.
# Then once more with nothing but NumPy, in a namespace where the system has no OpenBLAS, if such can be made here.
#   scripts/test_wheel.sh PYTHON DIST VENVS
set -euo pipefail
python=$1 venvs=$(realpath -m "$3")
wheel=$(ls -t "$2"/modalign-*.whl | head -1)
size=$(du -m --apparent-size "$wheel" | cut -f1)
echo "wheel: $wheel, $size MB"
if [ "$size" -gt 45 ]; then
    echo "test_wheel: expected a wheel of at most 45 MB, found $size" >&2
    exit 1
fi

rm -rf "$venvs/test" "$venvs/bare"
"$python" -m venv "$venvs/test"
"$venvs/test/bin/pip" install --quiet "$wheel[test,pandas]"
# Not the source beside: the package that was installed.
export PATH="$venvs/test/bin:$PATH" PYTHONSAFEPATH=1
"$venvs/test/bin/python" -m pytest -q -s -rs python/tests
"$venvs/test/bin/python" -m pytest -q --import-mode=importlib --doctest-modules -p no:cacheprovider --pyargs modalign

"$python" -m venv "$venvs/bare"
"$venvs/bare/bin/pip" install --quiet "$wheel"
first='import modalign, numpy as np; X = np.eye(6) + np.arange(6.0); modalign.logme(X, [0, 0, 0, 1, 1, 1]); print("ok", modalign.__version__)'
"$venvs/bare/bin/python" -c "$first"
"$venvs/bare/bin/modalign" --version
hide='for lib in $(ldconfig -p | sed -n "s/.*=> \(.*\(openblas\|gfortran\|quadmath\|blas\|lapack\).*\)/\1/p"); do mount --bind /dev/null "$lib"; done; exec "$@"'
if unshare --user --map-root-user --mount true 2>/dev/null || unshare --mount true 2>/dev/null; then
    how=(--user --map-root-user --mount)
    unshare "${how[@]}" true 2>/dev/null || how=(--mount)
    unshare "${how[@]}" bash -c "$hide" bash "$venvs/bare/bin/python" -c "$first"
    unshare "${how[@]}" bash -c "$hide" bash "$venvs/bare/bin/modalign" --version
    echo "the wheel needs no OpenBLAS of the system's"
else
    echo "test_wheel: skipped: no mount namespaces here, so that OpenBLAS cannot be hidden"
fi
