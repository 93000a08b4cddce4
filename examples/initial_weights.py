"""
Initial weights
===============

How the activations of five layers are spread for weights that are too large, too small and right, and what that
means for learning.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 6.2.
"""

# sphinx_gallery_thumbnail_number = 3
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np

import cnet.plots
from cnet import MultiLayerNet, reference

Std = float | Literal["xavier", "he"]

inputs = np.random.default_rng(0).standard_normal((1000, 100))

# %%
# A thousand random inputs go through five layers of a hundred units. For tanh the rule that keeps their spread is
# Xavier's, a standard deviation of ``sqrt(1 / n)`` with n inputs; for relu it is He's, ``sqrt(2 / n)``. Each row of
# histograms is one network. Values that are exactly 0, which relu makes of half of all sums, are not in the bars.

starts: dict[str, tuple[Std, ...]] = {"tanh": (1.0, 0.01, "xavier"), "relu": (0.01, "xavier", "he")}
for activation, stds in starts.items():
    _, rows = plt.subplots(3, 5, figsize=(7, 5.2), layout="constrained")
    for row, std in zip(rows, stds, strict=True):
        net = MultiLayerNet(100, [100] * 5, 10, activation, std, rng=0)
        cnet.plots.activation_histograms(net, inputs, ax=row)
        row[0].set_ylabel(f"weights: {std}")
        layers = reference.forward(net.params, inputs, activation)[0]
        spreads = " ".join(f"{values.std():.2g}" for values in layers[1:])
        print(f"{activation}, weights {std}: {spreads}")
    for ax in rows[:2].flat:
        ax.set_xlabel("")

# %%
# The same starts on digits, with four layers of relu and plain gradient descent. From 0.01 the network learns nothing
# for a long time: neither activations nor gradients get through.

x, t = cnet.datasets.make_digits(10_000, rng=0)
histories = {}
for std in starts["relu"]:
    net = MultiLayerNet(784, [100, 100, 100, 100], 10, weight_init_std=std, rng=0)
    histories[f"weights: {std}"] = net.fit(x, t, iterations=1500, batch_size=128, learning_rate=0.01)
    print(f"weights {std}: accuracy {net.accuracy(x, t):.2f}")

cnet.plots.loss_curves(histories)
plt.show()
