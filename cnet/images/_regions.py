"""Connected parts and windows of pictures, in NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Mask", "Parts", "closing", "run_lengths", "runs_of"]

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Grey = npt.NDArray[np.float32]


class Parts:
    """The connected parts of a mask; pixels touch also by corners.

    A part is a set of runs: stretches of a row. `row`, `begin` and `end` (exclusive) of each run are
    in the order of the rows, and `part` numbers the part that it belongs to, from 0.
    """

    def __init__(self, mask: Mask) -> None:
        self.shape = mask.shape
        self.row, self.begin, self.end = runs_of(mask)
        self.part, self.n = _joined(self.row, self.begin, self.end, mask.shape)

    def extents(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Top, bottom, left and right of each part, the ends exclusive."""
        top, left = np.full((2, self.n), np.iinfo(np.int64).max)
        bottom, right = np.zeros((2, self.n), np.int64)
        np.minimum.at(top, self.part, self.row)
        np.maximum.at(bottom, self.part, self.row + 1)
        np.minimum.at(left, self.part, self.begin)
        np.maximum.at(right, self.part, self.end)
        return top, bottom, left, right

    def sums(self, values: Grey) -> npt.NDArray[np.float64]:
        """The sum of `values` over each part."""
        total = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=total[:, 1:])
        runs = total[self.row, self.end] - total[self.row, self.begin]
        return np.asarray(np.bincount(self.part, runs, self.n), dtype=np.float64)

    def mask(self, chosen: npt.NDArray[np.bool_]) -> Mask:
        """The pixels of those parts for which `chosen`, one value for each part, is true."""
        step = np.zeros((self.shape[0], self.shape[1] + 1), np.int8)
        kept = chosen[self.part]
        step[self.row[kept], self.begin[kept]] = 1
        step[self.row[kept], self.end[kept]] -= 1
        return np.cumsum(step[:, :-1], axis=1, dtype=np.int8).astype(bool)


def runs_of(mask: Mask) -> tuple[Ints, Ints, Ints]:
    """Row, begin and end of each stretch of true pixels."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    step = np.diff(padded, axis=1)
    row, begin = np.nonzero(step == 1)
    return row, begin, np.nonzero(step == -1)[1]


def _joined(row: Ints, begin: Ints, end: Ints, shape: tuple[int, ...]) -> tuple[Ints, int]:
    """Which part each run belongs to, and how many parts there are."""
    n, stride = row.size, shape[1] + 2
    if n == 0:
        return np.zeros(0, np.int64), 0
    # The runs of the next row that touch a run follow each other: from the first that ends at its
    # begin or later, to the last that begins at its end or earlier.
    first = np.searchsorted(row * stride + end, (row + 1) * stride + begin)
    last = np.searchsorted(row * stride + begin, (row + 1) * stride + end, side="right")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(n), count)
    lower = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    label = np.arange(n)
    while True:
        one, other = label[upper], label[lower]
        apart = one != other
        if not apart.any():
            break
        high, low = np.maximum(one, other)[apart], np.minimum(one, other)[apart]
        # The larger of two roots hangs below the smaller; then every run points at its root.
        np.minimum.at(label, high, low)
        while True:
            root = label[label]
            if (root == label).all():
                break
            label = root
    names, part = np.unique(label, return_inverse=True)
    return part.reshape(-1), names.size


def run_lengths(mask: Mask, axis: int) -> npt.NDArray[np.int32]:
    """For each pixel, the length of the stretch of true pixels along `axis` that it lies in; else 0."""
    if axis == 0:
        return np.ascontiguousarray(run_lengths(np.ascontiguousarray(mask.T), 1).T)
    row, begin, end = runs_of(mask)
    step = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int32)
    length = (end - begin).astype(np.int32)
    step[row, begin] = length
    step[row, end] -= length
    return np.cumsum(step[:, :-1], axis=1, dtype=np.int32)


def closing(image: Grey, size: int) -> Grey:
    """The picture without what is dark and narrower than `size` pixels in both directions.

    The largest value of each window of `size` by `size`, and then the smallest of these. Beyond its
    edges the picture goes on as steeply as it ends.
    """
    pad = [min(size, side - 1) for side in image.shape]
    widths = [(p, p) for p in pad]
    wide = np.pad(image, widths, mode="reflect", reflect_type="odd") if min(pad) else image
    wide = np.pad(wide, [(size - p, size - p) for p in pad], mode="edge")
    for axis in (0, 1):
        wide = _window(wide, size, axis, np.maximum)
    for axis in (0, 1):
        wide = _window(wide, size, axis, np.minimum)
    begin = [(extent - side) // 2 for extent, side in zip(wide.shape, image.shape, strict=True)]
    return wide[begin[0]:begin[0] + image.shape[0], begin[1]:begin[1] + image.shape[1]]


def _window(image: Grey, size: int, axis: int, pick: np.ufunc) -> Grey:
    """`pick` over each window of `size` pixels along `axis`; the result is shorter by size - 1."""
    have, length = 1, image.shape[axis]

    def cut(array: Grey, begin: int, end: int) -> Grey:
        return array[begin:end] if axis == 0 else array[:, begin:end]

    while have < size:
        step = min(have, size - have)
        n = length - have - step + 1
        image = pick(cut(image, 0, n), cut(image, step, step + n))
        have += step
    return image
