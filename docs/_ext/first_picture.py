"""Draw the picture of the start page and of the README: what goes in, what is learned, how well.

::

    python docs/_ext/first_picture.py

Run it again when the pictures of `cnet.plots` change; the files are committed, since a README cannot draw. Those whose
name holds a language are shown on its start page.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from picture import save, style
from picture_words import LANGUAGES, translate

import cnet
import cnet.plots
from cnet.plots.style import INK

STATIC = Path(__file__).resolve().parents[1] / "_static"


# Inches, and where the three parts are, for wide windows and for phones.
FORMS: dict[str, tuple[tuple[float, float], dict[str, Any]]] = {
    "network": ((10.4, 3.2), {"mosaic": [["digits", "weights", "accuracy"]], "width_ratios": (1, 1, 1.4)}),
    "network-narrow": ((5.2, 5.6), {"mosaic": [["digits", "weights"], ["accuracy", "accuracy"]]}),
}


def draw(net: cnet.TwoLayerNet, history: cnet.History, digits: cnet.plots.images.Array, form: str) -> None:
    """Twenty-four digits, the weights of sixteen hidden units, and the accuracies."""
    size, places = FORMS[form]
    _, axes = plt.subplot_mosaic(**places, figsize=size, layout="constrained")
    cnet.plots.digits(digits, limit=24, ax=axes["digits"])
    cnet.plots.weights(net, limit=16, colorbar=False, ax=axes["weights"])
    cnet.plots.accuracy_curve(history, labels=("training", "never seen"), ax=axes["accuracy"])
    for name, title in (("digits", "Digits"), ("weights", "Weights of hidden units"), ("accuracy", "Accuracy")):
        axes[name].set_title(title)


def main() -> None:
    """Train the start page's network, and draw it for light pages and for dark ones, in all languages."""
    x, t = cnet.datasets.make_digits(60_000, rng=0)
    unseen = cnet.datasets.make_digits(10_000, rng=1)
    net = cnet.TwoLayerNet(784, 100, 10, "he", activation="relu", rng=0)
    history = net.fit(x, t, epochs=10, learning_rate=0.3, validation_data=unseen)
    for theme, form in itertools.product(INK, FORMS):
        with plt.rc_context(style(theme)):
            draw(net, history, unseen[0], form)
            save(plt.gcf(), STATIC / f"{form}-{theme}.png")
            for language in LANGUAGES:
                translate(plt.gcf(), language, "the first picture")
                save(plt.gcf(), STATIC / f"{form}-{theme}.{language}.png")
            plt.close("all")


if __name__ == "__main__":
    main()
