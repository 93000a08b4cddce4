"""How the world keeps MNIST on its disks: which files of a folder hold the four arrays.

- LeCun's four files in one folder, gzipped or not, with a dash or a dot before ``idx``;
- torchvision's tree: the four files in ``MNIST/raw`` below the folder that it calls root;
- archives that were unpacked into a folder for each file, named like the file (Kaggle's);
- Keras' ``mnist.npz``, with the arrays x_train, y_train, x_test and y_test.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NAMES", "find_files", "flat_files"]

NAMES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)
NPZ = "mnist.npz"

# Where the files may lie below the folder that is named.
_BELOW = ("", "MNIST/raw", "raw", "MNIST", "mnist")


def find_files(folder: Path) -> dict[str, Path] | Path | None:
    """Find a whole set of MNIST's arrays in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        A folder, or an ``.npz`` file itself.

    Returns
    -------
    dict of str to pathlib.Path, pathlib.Path or None
        The file for each of the four names, or an ``.npz`` file with all arrays; None if there is
        neither. Nothing is opened.
    """
    if folder.suffix == ".npz" and folder.is_file():
        return folder
    for below in _BELOW:
        found = _files(folder / below, nested=True)
        if len(found) == len(NAMES):
            return found
    return next((path for below in _BELOW if (path := folder / below / NPZ).is_file()), None)


def flat_files(folder: Path) -> dict[str, Path]:
    """Map each of the four names that a folder itself holds to the file there."""
    return _files(folder, nested=False)


def _files(folder: Path, nested: bool) -> dict[str, Path]:
    found = {}
    for name in NAMES:
        dotted = name.replace("-idx", ".idx")
        variants = (name, f"{name}.gz", dotted, f"{dotted}.gz")
        folders = [folder, folder / name, folder / dotted] if nested else [folder]
        candidates = (inside / variant for inside in folders for variant in variants)
        path = next(filter(os.path.isfile, candidates), None)
        if path is not None:
            found[name] = path
    return found
