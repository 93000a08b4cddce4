"""Find the digit in a picture: which ink is its own, and which is lines, frames, shadows and dust.

1. The sheet: what is left when everything dark and narrow is closed (and, for chalk on a blackboard,
   everything light and narrow opened). Frames at the border and uneven light belong to the sheet.
2. Lines: long, thin and straight, from side to side or several of a kind. They are removed where
   they do not cross a stroke.
3. Parts: what is connected. Each is judged by its contrast with its surroundings, its size and shape;
   the best one, with the parts that lie close to it, is the digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._regions import Mask, Parts, closing, run_lengths, runs_of

__all__ = ["digit_ink"]

Grey = npt.NDArray[np.float32]

# A window that no stroke fills, as a share of the picture's longer side.
WINDOW = 0.3
# What differs from the sheet by less than this share of the range is not ink.
LEAST_INK = 0.05
# Ink of more contrast than this is not more likely to be the digit.
MUCH = 0.4
# The thickness of what is no stroke, as a share of its longer side.
FAT = 0.3


def digit_ink(image: Grey) -> Grey | None:
    """The digit's own ink, 0 to 1 of its contrast, and 0 elsewhere; None where there is no digit."""
    found = [f for f in (_digit_darker(image), _digit_darker(1 - image)) if f is not None]
    if not found:
        return None
    found.sort(key=lambda f: f.score, reverse=True)
    best = found[0]
    # A hole in a digit lies within the digit, and a digit within the sheet on a dark table: of two kinds of
    # ink in one place the larger one is the digit, unless it is too thick for a stroke.
    if len(found) == 2 and _overlap(best.extent, found[1].extent):
        larger = max(found, key=lambda f: f.size())
        choice = larger if larger.thickness < 1.5 * FAT else min(found, key=lambda f: f.thickness)
        if choice.score > 0.35 * best.score:
            best = choice
    return best.ink


Extent = tuple[int, int, int, int]


@dataclass
class _Found:
    """A digit of one kind of ink: how good it is, its stroke in shares of its size, its place and its ink."""

    score: float
    thickness: float
    extent: Extent
    ink: Grey

    def size(self) -> int:
        """The longer side."""
        return max(self.extent[1] - self.extent[0], self.extent[3] - self.extent[2])


def _overlap(one: Extent, other: Extent) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _digit_darker(image: Grey) -> _Found | None:
    """The digit that is darker than its sheet."""
    sheet = closing(_smoothed(image), max(3, round(WINDOW * max(image.shape))))
    ink = sheet - image
    floor, offset = _floor(ink)
    ink -= offset
    rough = _smoothed(ink) > floor
    if not rough.any():
        return None
    lines = _lines(rough)
    best = _best_part(rough & ~lines, ink, image)
    if best is None and lines.any():
        # Nothing else is there: a stroke as long and straight as a line is the digit.
        lines = np.zeros_like(lines)
        best = _best_part(rough, ink, image)
    if best is None:
        return None
    score, parts, seed = best
    top, bottom, left, right = (int(side[seed]) for side in parts.extents())
    alone = np.zeros(parts.n, bool)
    alone[seed] = True
    inside = parts.mask(alone)
    core = (inside & (ink > 0.4 * np.quantile(ink[inside], 0.8)))[top:bottom, left:right]
    thickness = _thickness(core) / max(bottom - top, right - left)
    own = parts.mask(_group(parts, seed, ink))
    return _Found(score, thickness, (top, bottom, left, right), _soft(ink, own, lines, floor))


def _smoothed(image: Grey) -> Grey:
    """The average of each pixel and its eight neighbours."""
    wide = np.pad(image, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9, dtype=np.float32)


def _floor(ink: Grey) -> tuple[float, float]:
    """What ink has to exceed, and the level of the bare sheet."""
    some = ink.reshape(-1)[:: 1 + ink.size // 50_000]
    offset = float(np.median(some))
    below = some[some <= offset]
    # The half of the noise that is lighter than the sheet has no ink in it.
    spread = float(np.median(offset - below)) / 0.6745
    return max(LEAST_INK, 2.5 * spread), offset


def _lines(mask: Mask) -> Mask:
    """Pixels of long straight lines, but for those where a stroke crosses them."""
    across = _level_lines(mask)
    down = _level_lines(np.ascontiguousarray(mask.T)).T
    return across | down


def _level_lines(mask: Mask) -> Mask:
    """The lines that are nearly level."""
    height, width = mask.shape
    thickness = run_lengths(mask, 0)
    thickest = max(3, round(0.012 * max(height, width)))
    thin = mask & (thickness <= thickest)
    found = np.zeros_like(mask)
    if thin.sum() < 0.3 * width:
        return found
    # Lines are straight, but a camera tilts them: each slope in turn, as columns that are moved.
    slope, line_rows = _best_slope(thin)
    if not line_rows.size:
        return found
    drift = _drift(slope, width)
    columns = np.arange(width)
    for row in line_rows:
        for offset in range(-1, 2):
            place = row + offset + drift
            inside = (place >= 0) & (place < height)
            found[place[inside], columns[inside]] = True
    return _grown_to_runs(found & thin, thin)


def _grown_to_runs(seed: Mask, thin: Mask) -> Mask:
    """All of each vertical run of `thin` in which a pixel of `seed` lies."""
    parts_row, begin, end = runs_of(np.ascontiguousarray(thin.T))
    total = np.zeros((seed.shape[1], seed.shape[0] + 1), np.int32)
    np.cumsum(seed.T, axis=1, out=total[:, 1:])
    hit = total[parts_row, end] > total[parts_row, begin]
    step = np.zeros((seed.shape[1], seed.shape[0] + 1), np.int8)
    step[parts_row[hit], begin[hit]] += 1
    step[parts_row[hit], end[hit]] -= 1
    return np.cumsum(step[:, :-1], axis=1, dtype=np.int8).T.astype(bool)


def _drift(slope: float, width: int) -> npt.NDArray[np.int64]:
    """By how many rows a line of that slope has moved, in each column."""
    return np.asarray(np.rint(slope * (np.arange(width) - width / 2)), dtype=np.int64)


def _best_slope(thin: Mask) -> tuple[float, npt.NDArray[np.int64]]:
    """The slope at which most pixels lie in full lines, and the rows of these, in the middle column."""
    height, width = thin.shape
    row, column = np.nonzero(thin)
    best: tuple[float, float, npt.NDArray[np.int64]] = (0.0, 0.0, np.zeros(0, np.int64))
    steps = max(1, round(0.12 * width / 2))
    for tilt in range(-steps, steps + 1):
        slope = 2 * tilt / width
        place = row - _drift(slope, width)[column]
        coverage = np.bincount(np.clip(place + width, 0, height + 2 * width), minlength=height + 2 * width + 1)
        # A line covers one or two rows once it is level.
        pair = coverage[:-1] + coverage[1:]
        rows = _peaks(pair, width, height)
        score = float((pair[rows].astype(float) ** 2).sum())
        if score > best[0]:
            best = (score, slope, rows - width)
    return best[1], best[2]


def _peaks(coverage: npt.NDArray[np.int64], width: int, height: int) -> npt.NDArray[np.int64]:
    """Rows that a line fills: nearly all of one, or half of several."""
    top = coverage >= np.maximum(np.roll(coverage, 1), np.roll(coverage, -1))
    full = np.flatnonzero(top & (coverage >= 0.75 * width))
    half = np.flatnonzero(top & (coverage >= 0.4 * width))
    return half if half.size >= 3 else full


def _best_part(mask: Mask, ink: Grey, image: Grey) -> tuple[float, Parts, int] | None:
    """The score and index of the part that looks most like a digit."""
    parts = Parts(mask)
    if parts.n == 0:
        return None
    top, bottom, left, right = parts.extents()
    tall, wide = bottom - top, right - left
    mass = parts.sums(np.maximum(ink, 0))
    longer = np.maximum(tall, wide)
    candidates = np.argsort(mass * longer)[::-1][:40]
    best: tuple[float, int] | None = None
    for index in candidates:
        score = _score(parts, int(index), (int(top[index]), int(bottom[index]), int(left[index]), int(right[index])),
                       ink, image, float(mass[index]))
        if score > 0 and (best is None or score > best[0]):
            best = (score, int(index))
    return None if best is None else (best[0], parts, best[1])


def _score(
    parts: Parts, index: int, extent: Extent, ink: Grey, image: Grey, mass: float
) -> float:
    """How much a part looks like a digit: its contrast, times its size, times penalties."""
    top, bottom, left, right = extent
    height, width = image.shape
    longer = max(bottom - top, right - left)
    if longer < max(4, 0.012 * max(height, width)):
        return 0.0
    runs = parts.part == index
    area = int((parts.end[runs] - parts.begin[runs]).sum())
    own = np.zeros((bottom - top, right - left + 1), np.int8)
    own[parts.row[runs] - top, parts.begin[runs] - left] = 1
    own[parts.row[runs] - top, parts.end[runs] - left] -= 1
    inside = np.cumsum(own[:, :-1], axis=1).astype(bool)
    patch = ink[top:bottom, left:right]
    strong = float(np.quantile(patch[inside], 0.8))
    if strong < LEAST_INK / 2:
        return 0.0
    # Without the soft edge, which is most of a small digit.
    inside &= patch > 0.4 * strong
    # The band around it: a hole in a digit has the same brightness as what is around the digit.
    band = max(2, round(0.15 * longer))
    a, b, c, d = max(0, top - band), min(height, bottom + band), max(0, left - band), min(width, right + band)
    around = np.ones((b - a, d - c), bool)
    around[top - a:bottom - a, left - c:right - c] = False
    level = float(np.median(image[top:bottom, left:right][inside]))
    ring = image[a:b, c:d][around]
    contrast = min(strong, float(np.median(ring)) - level) if ring.size else strong
    if contrast <= LEAST_INK / 2:
        return 0.0
    score = float(min(contrast, MUCH) * longer**0.5)
    # A blob is no stroke.
    thick = _thickness(inside)
    score *= min(1.0, FAT * longer / thick) ** 6
    score *= _sharpness(image, extent, inside, level + 0.5 * strong) ** 6
    edges = int(inside[0].sum()) * (top == 0) + int(inside[-1].sum()) * (bottom == height)
    edges += int(inside[:, 0].sum()) * (left == 0) + int(inside[:, -1].sum()) * (right == width)
    if edges > 0.25 * longer:
        score *= 0.1
    elif edges:
        score *= 0.6
    shorter = min(bottom - top, right - left)
    if shorter < 0.05 * longer:
        score *= 0.2
    # A frame is large and empty.
    if area < 0.04 * (bottom - top) * (right - left):
        score *= 0.2
    return score


def _sharpness(image: Grey, extent: Extent, inside: Mask, limit: float) -> float:
    """The share of the pixels around a part that are lighter than `limit`.

    What is dark only because a window did not fit has no edge there.
    """
    top, bottom, left, right = extent
    height, width = image.shape
    pad = max(3, round(0.03 * max(bottom - top, right - left)))
    own = np.pad(inside, pad)
    rim = _spread(own, pad) & ~_spread(own, pad - 1)
    a, b, c, d = max(0, top - pad), min(height, bottom + pad), max(0, left - pad), min(width, right + pad)
    rim = rim[a - top + pad:b - top + pad, c - left + pad:d - left + pad]
    if not rim.any():
        return 1.0
    return float((image[a:b, c:d][rim] > limit).mean())


def _spread(mask: Mask, times: int) -> Mask:
    """The mask and all within `times` pixels of it."""
    for _ in range(times):
        wide = np.pad(mask, 1)
        rows = wide[:-2] | wide[1:-1] | wide[2:]
        mask = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return mask


def _thickness(inside: Mask) -> int:
    """The width of a stroke, about: half of the part lies in squares of at most this side."""
    lengths = np.minimum(run_lengths(inside, 0), run_lengths(inside, 1))
    return int(np.median(lengths[inside]))


def _group(parts: Parts, seed: int, ink: Grey) -> npt.NDArray[np.bool_]:
    """The seed and the parts of the same digit: close to it, and not much smaller."""
    top, bottom, left, right = parts.extents()
    mass = parts.sums(np.maximum(ink, 0))
    kept = np.zeros(parts.n, bool)
    kept[seed] = True
    enough = mass >= mass[seed] / 25
    longer = max(bottom[seed] - top[seed], right[seed] - left[seed])
    reach = max(2.0, 0.12 * longer)
    while True:
        t, b = top[kept].min() - reach, bottom[kept].max() + reach
        x, y = left[kept].min() - reach, right[kept].max() + reach
        near = (top < b) & (bottom > t) & (left < y) & (right > x) & enough
        near &= np.maximum(bottom - top, right - left) <= 1.2 * longer
        near |= kept
        if (near == kept).all():
            return kept
        kept = near


def _soft(ink: Grey, own: Mask, lines: Mask, floor: float) -> Grey:
    """The ink of the digit with the soft edge around it, in shares of its own contrast."""
    levels = ink[own]
    # Where the pen is at its fullest, but not a single pixel.
    peak = float(np.quantile(levels[levels >= 0.5 * levels.max()], 0.9))
    wide = _spread(own, 2) & (~lines | own)
    return np.where(wide & (ink > min(floor, 0.3 * peak)), np.clip(ink / peak, 0, 1), 0).astype(np.float32)
