"""What a model says of images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._arrays import _array, floats, refuse


def extract(model: Any, images: Any, outputs: str | Sequence[str] = "pooled") -> Any:
    """Runs a model on a batch of images.

    Parameters
    ----------
    model : str or path
        A checkpoint or a model folder, the name of one at the Hugging Face hub, or one inside the program (``demo``,
        ``real-mini``).
    images : array of shape [N, C, H, W]
        Images as they enter the model (resized, cropped, normalised), of NumPy or PyTorch. Float64 is rounded to float32.
    outputs : {"pooled", "logits", "embedded", "last_hidden_state", "layers"} or several of them
        Features ``[N, D]``, the classifier's outputs ``[N, K]``, tokens before and behind the encoder ``[N, T, D]``;
        ``"layers"``: features behind the embedder and behind every block, ``[N, D]`` each, as ``layer_00``, ``layer_01``, …

    Returns
    -------
    array of float32, or a dict of them for several outputs and for ``"layers"``

    Raises
    ------
    ValueError
        For a model that does not load, images of another number of channels, integers (pixels that were not prepared).

    Notes
    -----
    The same as ``modalign extract --tensor``, on the CPU. What was inferred as the model was opened is told by warnings.

    Examples
    --------
    >>> import numpy as np
    >>> from modalign import extract
    >>> images = np.zeros((2, 3, 32, 32), dtype=np.float32)
    >>> extract("demo", images).shape
    (2, 128)
    >>> sorted(extract("demo", images, ["pooled", "logits"]))
    ['logits', 'pooled']
    >>> layers = extract("demo", images, "layers")
    >>> list(layers)[:2], layers["layer_00"].shape
    (['layer_00', 'layer_01'], (2, 64))
    """
    array = _array(images, "images")
    if array.ndim != 4:
        refuse("images", "an array [N, C, H, W]", f"an array of shape {list(array.shape)}")
    if array.dtype.kind != "f":
        expected = "floats, prepared as the model wants them (resized, scaled, normalised)"
        refuse("images", expected, f"dtype {array.dtype}; modalign extract --data prepares files of pictures")
    array = floats(array, "images").astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        refuse("images", "finite numbers", "NaN or infinity")
    wanted = [outputs] if isinstance(outputs, str) else [str(output) for output in outputs]
    if not wanted:
        refuse("outputs", "at least one", "none")
    found, notes = _core.extract(str(model), array, list(dict.fromkeys(wanted)))
    for note in notes:
        warnings.warn(f"{model}: {note}", stacklevel=2)
    return found[0][1] if isinstance(outputs, str) and outputs != "layers" else dict(found)
