"""
Numerical derivatives
=====================

The slope of a function from two of its values: forward and central differences, their errors, and
tangents drawn with the result.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.3.
"""

import matplotlib.pyplot as plt
import numpy as np

import cnet.plots
from cnet import numerical_diff


def parabola(x: float) -> float:
    """Return 0.01 x² + 0.1 x, whose derivative is 0.02 x + 0.1."""
    return 0.01 * x**2 + 0.1 * x


# %%
# The derivative is 0.2 at 5 and 0.3 at 10. The difference is rounding error.

print(numerical_diff(parabola, 5))
print(numerical_diff(parabola, 10))

# %%
# A tangent is the line through the point with that slope.

cnet.plots.tangent(parabola, [5, 10], x_range=(0, 20))

# %%
# For x³ at 3 the error of the forward difference is about 9h, that of the central one h². To the left of
# its lowest point each curve is rounding noise: the values of the function differ by little more than their own
# rounding errors.

steps = np.logspace(-13, 0, 200)
forward = np.array([((3 + h) ** 3 - 27) / h - 27 for h in steps])
central = np.array([numerical_diff(lambda x: x**3, 3.0, h=h) - 27 for h in steps])

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.loglog(steps, np.abs(forward) + 1e-16, label="forward: (f(x + h) - f(x)) / h")
ax.loglog(steps, np.abs(central) + 1e-16, label="central: (f(x + h) - f(x - h)) / 2h")
ax.axvline(1e-4, color="C2", linestyle=":", label="h = 1e-4, the default")
ax.set(xlabel="h", ylabel="error", ylim=(1e-12, 1e2))
ax.legend(frameon=False)

# %%
# This is a whole curve with its numerical derivative and the exact one.

cnet.plots.derivative(np.sin, (-5, 5), exact=np.cos)
plt.show()
