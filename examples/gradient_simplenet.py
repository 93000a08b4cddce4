"""
The gradient of a small network
===============================

The smallest network there is: one layer, two inputs, three outputs. The program prints the scores
of one sample, the predicted class, the loss and the gradient of the loss with respect to the six
weights, found by moving each of them a little up and down.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnet import cross_entropy_error, numerical_gradient, softmax

# %%
# The network is its weights. The loss is that of one sample.


class SimpleNet:
    """One dense layer without a bias.

    Parameters
    ----------
    W : ndarray of float, shape (I, O)
        The weights.
    """

    def __init__(self, W: NDArray[np.float64]) -> None:
        self.W = W

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores, shape (O,), of one sample `x` of shape (I,)."""
        return x @ self.W

    def loss(self, x: NDArray[np.float64], t: NDArray[np.int64]) -> float:
        """Return the cross-entropy of one sample `x` and its one-hot target `t`."""
        return float(cross_entropy_error(softmax(self.predict(x)), t))


# %%
# This draws the derivatives: weights whose derivative is above 0 should shrink, the others should grow.


def draw(gradient: NDArray[np.float64]) -> None:
    """Draw the gradient as a table."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    # The weaker a colour, the more of the page shows through, a light one or a dark one.
    shades = [to_rgba(*color) for color in (("C0", 0.45), ("C0", 0), ("C1", 0), ("C1", 0.45))]
    signs = LinearSegmentedColormap.from_list("signs", list(zip((0, 0.5, 0.5, 1), shades, strict=True)))
    figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
    limit = np.abs(gradient).max()
    image = ax.imshow(gradient, cmap=signs, vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(gradient):
        ax.text(column, row, f"{value:.3f}", ha="center", va="center")
    ax.set(xlabel="output", ylabel="input", xticks=range(3), yticks=range(2), title="dL / dW")
    figure.colorbar(image, ax=ax, label="derivative")
    plt.show()


# %%
# ``numerical_gradient`` moves the elements of ``net.W`` one after another and computes the loss each time. The
# weights are those that the book drew, so you can compare the numbers.


def main() -> NDArray[np.float64]:
    """Print scores, class, loss and gradient; return the gradient."""
    net = SimpleNet(
        np.array(
            [
                [0.47355232, 0.9977393, 0.84668094],
                [0.85557411, 0.03563661, 0.69422093],
            ]
        )
    )
    x = np.array([0.6, 0.9])
    t = np.array([0, 0, 1])

    scores = net.predict(x)
    print("scores:  ", scores)
    print("argmax:  ", np.argmax(scores))
    print("loss:    ", net.loss(x, t))

    # The function ignores its argument: net.W itself is moved while the loss is computed.
    gradient = numerical_gradient(lambda W: net.loss(x, t), net.W)
    print("gradient:")
    print(gradient)
    return gradient


if __name__ == "__main__":
    draw(main())
