"""Samples as the core reads them: arrays, or compressed rows of sparse matrices, never dense as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core._inputs import CompressedRows
from ..core._network import Network
from ..core._scan import sparse_density

__all__ = ["is_sparse", "outputs_of", "readable", "way_of"]

Array = npt.NDArray[Any]

# Bytes of rows that are made dense at a time.
MOST_BYTES = 1 << 24


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse matrix or array of SciPy."""
    return hasattr(x, "tocsr")


def readable(x: Any) -> Array | CompressedRows:
    """Samples to train with: arrays as they are; of sparse matrices the compressed rows, unless they are rather full.

    Parameters
    ----------
    x : ndarray or sparse matrix of float32 or float64
    """
    if not is_sparse(x):
        array: Array = x
        return array
    rows = canonical(x)
    if np.count_nonzero(rows.data) >= sparse_density * x.shape[0] * x.shape[1]:
        array = rows.toarray()
        return array
    return compressed(rows)


def canonical(x: Any) -> Any:
    """The rows of a sparse matrix, columns ascending, none twice: itself if it is so. It is not changed."""
    rows = x.tocsr()
    if not rows.has_canonical_format:
        if rows is x:
            rows = rows.copy()
        rows.sum_duplicates()
    return rows


def compressed(x: Any) -> CompressedRows:
    """The rows of a sparse matrix, as the core reads them: values where they stand, if it can.

    Where they stand is copied: it is checked once, and another thread must not change it afterwards.
    """
    rows = canonical(x)
    return CompressedRows(
        np.ascontiguousarray(rows.data), np.array(rows.indices, np.int32), np.array(rows.indptr, np.int64),
        rows.shape[1],
    )


def way_of(x: Array | CompressedRows) -> str:
    """How the first layer takes samples: a matter of how many of them are zero."""
    if isinstance(x, CompressedRows):
        return "sparse"
    return "sparse" if np.count_nonzero(x) < sparse_density * x.size else "dense"


def outputs_of(network: Network, x: Any) -> Array:
    """The network's predictions of samples, as the network was trained: rows of sparse matrices too.

    Parameters
    ----------
    network : Network
    x : ndarray, sparse matrix or CompressedRows
    """
    if not is_sparse(x):
        return network.predict(x)
    if network.first_layer != "dense":
        return network.predict(compressed(x))
    # The sums' order is that of dense rows, which do not all have to be there at once.
    rows, n = x.tocsr(), max(1, MOST_BYTES // (x.shape[1] * x.dtype.itemsize))
    blocks = [network.predict(rows[begin : begin + n].toarray()) for begin in range(0, rows.shape[0], n)]
    return np.concatenate(blocks)
