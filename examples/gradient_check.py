"""
Gradient check
==============

Backpropagation is fast and easy to get wrong; central differences are slow and easy to get right.
A mistake in one of them would make the two differ.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 5.7.4.
"""

import matplotlib.pyplot as plt
import numpy as np

import cnet

x, t = cnet.datasets.make_digits(3, rng=0)

# %%
# The mean absolute difference of both gradients, for each array of parameters. float32 has about seven digits,
# float64 sixteen; ``numerical_gradient`` computes in float64 either way.

for dtype in ("float32", "float64"):
    net = cnet.TwoLayerNet(784, 50, 10, dtype=dtype, rng=0)
    by_differences = net.numerical_gradient(x, t)
    by_backprop = net.gradient(x, t)
    print(dtype)
    for name, expected in by_differences.items():
        print(f"  {name}: {np.abs(by_backprop[name] - expected).mean():.1e}")

# %%
# Every derivative is a point (without those that are 0, of pixels without ink). On the diagonal both
# agree, over several powers of ten.

figure, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
for (name, expected), marker in zip(by_differences.items(), ".s^D", strict=True):
    sizes, of_backprop = np.abs(expected).ravel(), np.abs(by_backprop[name]).ravel()
    ax.loglog(sizes[sizes > 0], of_backprop[sizes > 0], marker, markersize=4, label=name)
ax.set(xlabel="by central differences", ylabel="by backpropagation", aspect="equal")
ax.legend(frameon=False)

# %%
# Would it notice a mistake? Leave out the derivative of the activation, a classic one: the gradient of
# the first layer is then about four times too large, because the slope of the sigmoid is 1/4 near 0. The largest
# difference is three times the largest derivative.

pixels = x / 255.0
hidden = cnet.sigmoid(pixels @ net.params["W1"] + net.params["b1"])
delta2 = (net.predict(x) - np.eye(10)[t]) / len(t)
mistaken = pixels.T @ (delta2 @ net.params["W2"].T)
correct = pixels.T @ (delta2 @ net.params["W2"].T * hidden * (1 - hidden))
reference = by_differences["W1"]
print(f"correct  {np.abs(correct - reference).max() / np.abs(reference).max():.1e}")
print(f"mistaken {np.abs(mistaken - reference).max() / np.abs(reference).max():.1f}")
plt.show()
