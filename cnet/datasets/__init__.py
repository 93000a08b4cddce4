"""Data sets: MNIST and its look-alikes, digits drawn here, and the IDX file format.

Nothing is downloaded at import, and what a download needs is imported only by a download.
"""

from __future__ import annotations

from .digits import make_digits
from .idx import read_idx, write_idx
from .mnist import find_mnist, load_mnist

__all__ = ["find_mnist", "load_mnist", "make_digits", "read_idx", "write_idx"]
