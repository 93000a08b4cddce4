"""Philox, and what is drawn by it: mini-batches, dropout and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# The last word of the counter, so that two uses of one key never meet.
PURPOSE_SAMPLE = 1
PURPOSE_SHUFFLE = 2
PURPOSE_DROPOUT = 4
# The last word with an iteration's own key, whose others are the layers of dropout.
STREAM_NOISE = 32

MASK32 = np.uint64(0xFFFFFFFF)
SHIFT32 = np.uint64(32)


def philox4x32(key: int, sample: Array, epoch: int | Array, purpose: int) -> Array:
    """Compute Philox4x32-10: four random words for each counter.

    Parameters
    ----------
    key : int
        64 bits.
    sample : numpy.ndarray of uint64, shape (n,)
        The low half of the counter.
    epoch : int or numpy.ndarray, shape (n,)
        The third word of the counter, 32 bits.
    purpose : int
        The fourth word of the counter, 32 bits.

    Returns
    -------
    numpy.ndarray of uint64, shape (n, 4)
        Words below 2**32.

    References
    ----------
    .. [1] John K. Salmon, Mark A. Moraes, Ron O. Dror and David E. Shaw, "Parallel random
       numbers: as easy as 1, 2, 3", SC 2011.

    Examples
    --------
    The known answer for a counter and a key of zeros:

    >>> import numpy as np
    >>> from cnet.reference import philox4x32
    >>> [hex(word) for word in philox4x32(0, np.array([0]), 0, 0)[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    sample = np.asarray(sample, np.uint64)
    c0, c1 = sample & MASK32, sample >> SHIFT32
    c2 = np.full_like(sample, epoch)
    c3 = np.full_like(sample, purpose)
    k0, k1 = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> SHIFT32) ^ c1 ^ k0, p1 & MASK32, (p0 >> SHIFT32) ^ c3 ^ k1, p0 & MASK32
        k0 = (k0 + np.uint64(0x9E3779B9)) & MASK32
        k1 = (k1 + np.uint64(0xBB67AE85)) & MASK32
    return np.stack([c0, c1, c2, c3], axis=1)


def words(key: int, n: int, epoch: int, purpose: int) -> Array:
    """Return the first n words of a stream: four from each counter."""
    return philox4x32(key, np.arange(-(-n // 4)), epoch, purpose).reshape(-1)[:n]


def draw_rows(key: int, epoch: int, n_draws: int, n_rows: int) -> Array:
    """Draw the rows of an epoch's mini-batches, with replacement.

    Parameters
    ----------
    key : int
        64 bits.
    epoch : int
    n_draws : int
        The number of rows to draw.
    n_rows : int
        The number of rows to draw from.

    Returns
    -------
    numpy.ndarray of int64, shape (n_draws,)

    Examples
    --------
    >>> from cnet.reference import draw_rows
    >>> rows = draw_rows(0, 0, 5, 100)
    >>> rows.shape, bool((rows < 100).all())
    ((5,), True)
    """
    drawn = words(key, n_draws, epoch, PURPOSE_SAMPLE) * np.uint64(n_rows) >> SHIFT32
    return drawn.astype(np.int64)


def shuffle_rows(key: int, epoch: int, n_rows: int) -> Array:
    """Shuffle all rows (Fisher and Yates): each place, from the last to the first, swaps with one up to it.

    Parameters
    ----------
    key : int
        64 bits.
    epoch : int
    n_rows : int

    Returns
    -------
    numpy.ndarray of int64, shape (n_rows,)
        Every row, once.

    Examples
    --------
    >>> from cnet.reference import shuffle_rows
    >>> sorted(shuffle_rows(0, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    order = np.arange(n_rows)
    random = words(key, n_rows, epoch, PURPOSE_SHUFFLE)
    for i in range(n_rows - 1, 0, -1):
        j = int(random[i]) * (i + 1) >> 32
        order[[i, j]] = order[[j, i]]
    return order


def words_of_rows(key: int, epoch: int, iteration: int, rows: int, counters: int, stream: int) -> Array:
    """Return the words of a mini-batch's rows: four from each counter of a row, by the iteration's own key."""
    low, high = (int(word) for word in philox4x32(key, np.array([iteration]), epoch, PURPOSE_DROPOUT)[0, :2])
    drawn = philox4x32(
        low | high << 32, np.tile(np.arange(counters), rows), np.repeat(np.arange(rows), counters), stream
    )
    return drawn.reshape(rows, 4 * counters)


def dropout_mask(key: int, epoch: int, iteration: int, layer: int, shape: tuple[int, int], p: float) -> Array:
    """Draw what dropout multiplies the units of one layer by, for one mini-batch.

    Parameters
    ----------
    key : int
        64 bits.
    epoch, iteration : int
        The iteration's number within its epoch, from 0.
    layer : int
        0 for the inputs, 1 for the first hidden layer, and so on.
    shape : tuple of int
        Rows of the mini-batch and units of the layer.
    p : float
        The probability with which a unit is dropped.

    Returns
    -------
    numpy.ndarray of float64, of the given shape
        1 / (1 - p) where a unit is kept, 0 where it is dropped.

    References
    ----------
    .. [1] Nitish Srivastava, Geoffrey Hinton, Alex Krizhevsky, Ilya Sutskever and Ruslan Salakhutdinov, "Dropout: a
       simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> from cnet.reference import dropout_mask
    >>> mask = dropout_mask(0, 0, 0, 1, (100, 50), 0.5)
    >>> sorted(set(mask.ravel().tolist())), bool(0.9 < mask.mean() < 1.1)
    ([0.0, 2.0], True)
    """
    rows, units = shape
    threshold = min(2**32 - 1, int(p * 2**32))
    kept = words_of_rows(key, epoch, iteration, rows, -(-units // 4), layer)[:, :units] >= threshold
    return np.where(kept, 1 / (1 - p), 0.0)


def normal_numbers(key: int, epoch: int, iteration: int, shape: tuple[int, int]) -> Array:
    """Draw numbers of the standard normal distribution for the inputs of one mini-batch.

    Parameters
    ----------
    key : int
        64 bits.
    epoch, iteration : int
        The iteration's number within its epoch, from 0.
    shape : tuple of int
        Rows of the mini-batch and its columns.

    Returns
    -------
    numpy.ndarray of float64, of the given shape

    Notes
    -----
    64 words make 64 numbers: the first 32 are distances r, from u in (0, 1) as ``sqrt(-2 log u)``, the others
    directions, and r cos and r sin are numbers of the distribution.

    References
    ----------
    .. [1] G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", Annals of Mathematical
       Statistics 29, 1958.

    Examples
    --------
    >>> from cnet.reference import normal_numbers
    >>> numbers = normal_numbers(0, 0, 0, (100, 100))
    >>> bool(abs(numbers.mean()) < 0.03), bool(0.98 < numbers.std() < 1.02)
    (True, True)
    """
    rows, columns = shape
    blocks = -(-columns // 64)
    distance, direction = np.moveaxis(
        words_of_rows(key, epoch, iteration, rows, 16 * blocks, STREAM_NOISE).reshape(rows, blocks, 2, 32), 2, 0)
    r = np.sqrt(-2 * np.log(((distance >> np.uint64(1)) + 0.5) / 2**31))
    angle = np.pi * direction.astype(np.uint32).view(np.int32) / 2**31
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=2).reshape(rows, 64 * blocks)[:, :columns]
