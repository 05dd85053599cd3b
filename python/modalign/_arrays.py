"""What arrives, as arrays of the kinds that are computed with; what is none of them is refused in words.

A float32 or float64 matrix is passed on as it is, in any order of memory. Half precision becomes float32 and whole
numbers float64, which loses nothing; nothing else is converted.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

# Whole numbers beyond this are no doubles.
_WHOLE = 2**53


def refuse(what: str, expected: str, found: object) -> NoReturn:
    raise ValueError(f"{what}: expected {expected}, found {found}")


def _array(values: Any, what: str) -> np.ndarray:
    """Any array-like as an array, without a copy where there is none to be made."""
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            refuse(what, "an array without masked values", "masked ones; fill or drop them")
        values = values.data
    if type(values).__module__.split(".")[0] == "torch" and hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":
            values = values.float()
    elif hasattr(values, "toarray") and not isinstance(values, np.ndarray):
        refuse(what, "a dense array", f"a sparse {type(values).__name__}; .toarray() makes it dense")
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what}: expected an array, found {type(values).__name__}: {error}") from None


def matrix(values: Any, what: str) -> np.ndarray:
    """A matrix ``[N, D]`` of float32 or float64."""
    array = _array(values, what)
    if array.ndim != 2:
        refuse(what, "a matrix [N, D]", f"an array of shape {list(array.shape)}")
    return floats(array, what)


def floats(array: np.ndarray, what: str) -> np.ndarray:
    """Numbers as float32 or float64, aligned and in the machine's order of bytes."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and size in (4, 8):
        wanted = array.dtype.newbyteorder("=")
    elif kind == "f" and size == 2:
        wanted = np.dtype(np.float32)
    elif kind in "biu":
        if kind != "b" and size == 8 and array.size and max(abs(int(array.min())), abs(int(array.max()))) > _WHOLE:
            refuse(what, "whole numbers up to 2^53, which are exact as float64", "larger ones")
        wanted = np.dtype(np.float64)
    else:
        refuse(what, "float32, float64 or what becomes them without loss", f"dtype {array.dtype}")
    if array.dtype != wanted or not array.flags.aligned:
        array = np.array(array, dtype=wanted)
    return array


def doubles(values: Any, what: str) -> np.ndarray:
    """A matrix as float64."""
    return np.asarray(matrix(values, what), dtype=np.float64)


def labels(values: Any, what: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The classes that occur, sorted, and for each sample its class's place among them."""
    array = _array(values, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        refuse(what, "one label a sample, [N]", f"an array of shape {list(array.shape)}")
    if len(array) != rows:
        refuse(what, f"{rows}, one a sample", len(array))
    kind = array.dtype.kind
    if kind == "O":
        array = _objects(array, what)
    elif kind == "f":
        array = _whole(array, what)
    elif kind not in "biuUST":
        refuse(what, "whole numbers or text", f"dtype {array.dtype}")
    classes, codes = np.unique(array, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)


def _objects(array: np.ndarray, what: str) -> np.ndarray:
    """Python's own values: all text, or all whole numbers."""
    if all(isinstance(value, str) for value in array):
        return array.astype(str)
    whole = (int, np.integer, np.bool_)
    if all(isinstance(value, whole) for value in array):
        return np.array([int(value) for value in array])
    first = str if isinstance(array[0], str) else whole
    row = next((i for i, value in enumerate(array) if not isinstance(value, first)), 0)
    refuse(f"{what}, row {row}", "whole numbers or text, one of them throughout", repr(array[row]))


def _whole(array: np.ndarray, what: str) -> np.ndarray:
    """Floats that are whole numbers."""
    wrong = ~(np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) <= _WHOLE))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        refuse(f"{what}, row {row}", "a whole number", array[row])
    return array.astype(np.int64)


def together(known: tuple[Any, str, int], asked: tuple[Any, str, int]) -> tuple[int, np.ndarray, np.ndarray]:
    """Labels of two sets of samples of the same classes: how many classes, and both numbered alike."""
    (a, a_codes), (b, b_codes) = labels(*known), labels(*asked)
    if (a.dtype.kind in "biu") != (b.dtype.kind in "biu"):
        words = ["whole numbers" if c.dtype.kind in "biu" else "text" for c in (a, b)]
        refuse(asked[1], f"{words[0]}, as {known[1]} has", words[1])
    classes = np.unique(np.concatenate([a, b]))
    return len(classes), np.searchsorted(classes, a)[a_codes], np.searchsorted(classes, b)[b_codes]


def groups(values: Any, rows: int) -> np.ndarray | None:
    """Which samples belong together, numbered."""
    return None if values is None else labels(values, "groups", rows)[1]


def whole(value: Any, what: str, least: int, most: int = 2**63 - 1) -> int:
    """A whole number of a setting."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        refuse(what, "a whole number", repr(value))
    if not least <= value <= most:
        refuse(what, f"a whole number from {least}" + (f" to {most}" if most < 2**63 - 1 else ""), value)
    return int(value)


def number(value: Any, what: str) -> float:
    """A number of a setting; its range is the measure's to check."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        refuse(what, "a number", repr(value))
    return float(value)
