"""Data sets: MNIST and data sets of its form, digits that cnet draws, and the IDX file format.

Importing this module downloads nothing. What a download needs is imported only for a download.
"""

from __future__ import annotations

from .digits import make_digits
from .idx import read_idx, write_idx
from .mnist import find_mnist, load_mnist

__all__ = ["find_mnist", "load_mnist", "make_digits", "read_idx", "write_idx"]
