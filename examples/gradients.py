"""
Gradients
=========

All partial derivatives at once, drawn as a field of arrows.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, sections 4.3.3 and 4.4.
"""

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import cnet.plots
from cnet import numerical_diff, numerical_gradient


def bowl(x: NDArray[np.float64]) -> float:
    """Return the sum of squares."""
    return float(np.sum(x**2))


# %%
# For a partial derivative, all variables but one are held constant.

print(numerical_diff(lambda x0: x0**2 + 4.0**2, 3.0))
print(numerical_diff(lambda x1: 3.0**2 + x1**2, 4.0))

# %%
# The gradient holds all partial derivatives.

for point in ([3.0, 4.0], [0.0, 2.0], [3.0, 0.0]):
    print(point, numerical_gradient(bowl, np.array(point)).round(6))

# %%
# This is the bowl itself:

cnet.plots.surface(bowl)

# %%
# And this is its *negative* gradient: at each point it points down, and is longer where the bowl is steeper.

cnet.plots.gradient_field(bowl)

# %%
# Around a saddle point the arrows come in along one axis and leave along the other. At the saddle point
# the gradient is 0, although it is not a minimum.

cnet.plots.gradient_field(lambda x0, x1: x0**2 - x1**2)
plt.show()
