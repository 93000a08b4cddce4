"""Draw the picture of the start page and of the README: what goes in, what is learned, how well.

::

    python docs/_ext/first_picture.py

Run it again when the pictures of `cnet.plots` change; the two files are committed, since a README cannot
draw.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from picture import save, style

import cnet
import cnet.plots
from cnet.plots.style import INK

STATIC = Path(__file__).resolve().parents[1] / "_static"


def draw(net: cnet.TwoLayerNet, history: cnet.History, digits: cnet.plots.images.Array) -> None:
    """Twenty-four digits, the weights of sixteen hidden units, and the accuracies."""
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(10.4, 3.2), layout="constrained", width_ratios=(1, 1, 1.4)
    )
    cnet.plots.digits(digits, limit=24, ax=left)
    cnet.plots.weights(net, limit=16, colorbar=False, ax=middle)
    cnet.plots.accuracy_curve(history, labels=("training", "never seen"), ax=right)
    for ax, title in ((left, "Digits"), (middle, "Weights of hidden units"), (right, "Accuracy")):
        ax.set_title(title)


def main() -> None:
    """Train the start page's network, and draw it for light pages and for dark ones."""
    x, t = cnet.datasets.make_digits(60_000, rng=0)
    unseen = cnet.datasets.make_digits(10_000, rng=1)
    net = cnet.TwoLayerNet(784, 100, 10, "he", activation="relu", rng=0)
    history = net.fit(x, t, epochs=10, learning_rate=0.3, validation_data=unseen)
    for theme in INK:
        with plt.rc_context(style(theme)):
            draw(net, history, unseen[0])
            save(plt.gcf(), STATIC / f"network-{theme}.png")
            plt.close("all")


if __name__ == "__main__":
    main()
