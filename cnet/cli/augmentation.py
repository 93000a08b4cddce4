"""The words of ``cnet train --augment``: random distortions in one line."""

from __future__ import annotations

from typing import Any

from ..augment import AMOUNTS, Distort

__all__ = ["augment_of", "named_amounts", "text_of"]

# What can be said in one number for all classes; the images' shape is that of the data.
NAMES = (*AMOUNTS, "sigma", "cut_out", "mixup", "background")
DEFAULT = "default"


def augment_of(text: str) -> Distort:
    """Return the distortion that a text says.

    Parameters
    ----------
    text : str
        "default", or amounts with commas between them, as in ``rotation=15,elastic=40,6.rotation=5``: the last one is
        for class 6 alone.

    Raises
    ------
    ValueError
        If it says none.

    Examples
    --------
    >>> augment_of("shift=2,6.rotation=5").limits
    ((6, (('rotation', 5.0),)),)
    """
    limits: dict[int, dict[str, float]] = {}
    options: dict[str, Any] = {}
    for part in [] if text.strip() == DEFAULT else text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        label, dot, own = name.partition(".")
        place = limits.setdefault(int(label), {}) if dot and label.isascii() and label.isdigit() else options
        known = place is options and name in NAMES or place is not options and own in AMOUNTS
        if not known:
            raise ValueError(f'expected "{DEFAULT}", or amounts such as rotation=15,elastic=40,6.rotation=5, of '
                             f"{', '.join(NAMES)}; got {part.strip()[:60]!r}")
        if (own if dot else name) in place:
            raise ValueError(f"{name} is given twice")
        place[own if dot else name] = _number(name, value)
    return Distort(**options, limits=limits)


def _number(name: str, text: str) -> float | int:
    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text[:60]!r}") from None


def named_amounts(text: str) -> str:
    """The text itself without blanks, once it is known to say a distortion."""
    augment_of(text)
    return "".join(text.split())


def text_of(augment: Distort) -> str:
    """The text that says a distortion, as `augment_of` reads it; the images' shape is not part of it.

    Examples
    --------
    >>> text_of(Distort(shift=2, limits={6: {"rotation": 5}})), text_of(Distort())
    ('shift=2,6.rotation=5', 'default')
    """
    plain, own = Distort()._attributes(), augment._attributes()
    parts = [f"{name}={_written(own[name])}" for name in NAMES if own[name] != plain[name]]
    parts += [f"{label}.{name}={_written(value)}" for label, limits in augment.limits for name, value in limits]
    return ",".join(parts) or DEFAULT


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
