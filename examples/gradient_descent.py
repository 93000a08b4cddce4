"""
Gradient descent
================

Step by step against the gradient: with a good learning rate, with one too large and with one too
small.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.1.
"""

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import cnet.plots
from cnet import gradient_descent


def bowl(x: NDArray[np.float64]) -> float:
    """Return the sum of squares, which is lowest at 0."""
    return float(np.sum(x**2))


# %%
# The program takes a hundred steps from (-3, 4) with three learning rates.

for rate in (0.1, 10.0, 1e-10):
    print(f"{rate:g}: {gradient_descent(bowl, [-3.0, 4.0], lr=rate, step_num=100)}")

# %%
# This is the path with the good one, seen from above. A path of 20 steps has 21 points.

_, path = gradient_descent(bowl, [-3.0, 4.0], lr=0.1, step_num=20, return_path=True)
cnet.plots.descent(bowl, {0.1: path})

# %%
# These are all three. Each step multiplies the position by 1 - 2 * rate: by 0.8, by -19, and by a number just below 1.

cnet.plots.learning_rates(bowl, [-3.0, 4.0], rates=(0.1, 10.0, 1e-10))


# %%
# In a long valley the steepest direction limits the learning rate, and the path swings from wall to wall.


def valley(x: NDArray[np.float64]) -> float:
    """Return x0² / 20 + x1²: flat along the first axis, steep along the second."""
    return float(x[0] ** 2 / 20 + x[1] ** 2)


cnet.plots.learning_rates(valley, [-7.0, 2.0], rates=(0.95, 0.3), step_num=40)
plt.show()
