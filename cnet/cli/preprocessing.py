"""The words of ``cnet train --preprocessing``: what is done to images before networks see them, in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..preprocess import Normalize

__all__ = [
    "check_ways", "is_of_one", "named_ways", "own_way", "text_of_ways", "way_of_network", "ways_of", "without_none",
]

NONE, DESLANT, WIDTH = "none", "deslant", "width"


def ways_of(text: str) -> tuple[Normalize | None, ...]:
    """Return the ways of preprocessing that a text says, which the networks take in turn.

    Parameters
    ----------
    text : str
        Ways with commas between them, as in ``none,deslant,width=20,deslant+width=20``.

    Raises
    ------
    ValueError
        If it is not such a text.

    Examples
    --------
    >>> ways_of("none,deslant+width=20")
    (None, Normalize(deslant=True, width=20, image_shape=None))
    """
    return tuple(map(_way, text.split(",")))


def named_ways(text: str) -> str:
    """The text in its shortest form, once it is known to say ways of preprocessing."""
    return text_of_ways(ways_of(text))


def text_of_ways(ways: Iterable[Normalize | None]) -> str:
    """The text that says ways of preprocessing, as `ways_of` reads it; the images' shape is not part of it.

    Examples
    --------
    >>> text_of_ways([None, *ways_of("width = 14")])
    'none,width=14'
    """
    return ",".join(map(_text_of_way, ways))


def way_of_network(text: str | None, i: int) -> str | None:
    """The text of network number i's own way, or None if it sees the images as they are.

    Examples
    --------
    >>> way_of_network("none,deslant", 3), way_of_network("none,deslant", 4), way_of_network(None, 0)
    ('deslant', None, None)
    """
    if text is None:
        return None
    ways = text.split(",")
    own = ways[i % len(ways)]
    return None if own == NONE else own


def without_none(text: str | None) -> str | None:
    """The text, or None if by it all networks see the images as they are."""
    return None if text is None or set(text.split(",")) == {NONE} else text


def is_of_one(text: str | None) -> bool:
    """Whether it is the text of a single network's preprocessing, or None."""
    return text is None or text != NONE and "," not in text


def own_way(text: str | None) -> Normalize | None:
    """The preprocessing of a single network's images, by its text (see `is_of_one`)."""
    return None if text is None else _way(text)


def check_ways(text: str | None, n_inputs: int) -> None:
    """Raise a ValueError if images of so many pixels cannot be preprocessed in these ways."""
    for way in () if text is None else ways_of(text):
        if way is not None:
            way.shape_of(n_inputs)


def _way(text: str) -> Normalize | None:
    from ..preprocess import Normalize

    parts = ["=".join(word.strip() for word in part.split("=")) for part in text.split("+")]
    if parts == [NONE]:
        return None
    widths = [part.partition("=")[2] for part in parts if part.partition("=")[0] == WIDTH]
    if len(parts) != parts.count(DESLANT) + len(widths) or parts.count(DESLANT) > 1 or len(widths) > 1:
        raise ValueError("expected some of none, deslant, width=20 and deslant+width=20 with commas between them, got "
                         f"{text.strip()[:60]!r}")
    if not widths:
        return Normalize()
    # As int() reads them, 1_4 and Arabic digits would be numbers too.
    if not (widths[0].isascii() and widths[0].isdigit() and len(widths[0]) < 9):
        raise ValueError(f"width must be a whole number of pixels, got {widths[0][:60]!r}")
    return Normalize(deslant=DESLANT in parts, width=int(widths[0]))


def _text_of_way(way: Normalize | None) -> str:
    if way is None:
        return NONE
    words = [DESLANT] * way.deslant
    if way.width is not None:
        words.append(f"{WIDTH}={way.width}")
    return "+".join(words) or NONE
