"""
Comparing optimizers
====================

The optimizers' paths in one valley, and how they train the same network on the same digits.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 6.1.
"""

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt

import cnet.plots
from cnet.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

# %%
# A loop written by hand: compute the gradient, and let the optimizer take a step. Parameters may be arrays or plain
# numbers.


def valley(x: float, y: float) -> float:
    """Return x² / 20 + y²: flat along the first axis, steep along the second."""
    return x**2 / 20 + y**2


STEPS = 30
paths = {}
for optimizer in (SGD(lr=0.95), Momentum(lr=0.1), AdaGrad(lr=1.5), Adam(lr=0.3)):
    params = {"x": -7.0, "y": 2.0}
    path = [(params["x"], params["y"])]
    for _ in range(STEPS):
        optimizer.update(params, {"x": params["x"] / 10, "y": 2 * params["y"]})
        path.append((params["x"], params["y"]))
    paths[type(optimizer).__name__] = path

ax = plt.subplots(figsize=(7, 5), layout="constrained")[1]
cnet.plots.descent(valley, paths, x_range=(-7.8, 2.2), y_range=(-2.2, 4.4), ax=ax)
ax.set_title("Four optimizers in one valley")

# %%
# On digits ``fit`` does the loop, in compiled code. Every network begins with the same weights and sees the same
# mini-batches.

x, t = cnet.datasets.make_digits(12_000, rng=0)
x_train, t_train, x_validation, t_validation = x[:10_000], t[:10_000], x[10_000:], t[10_000:]

histories = {}
for trained_by in (
    SGD(lr=0.01), Momentum(lr=0.01), Nesterov(lr=0.01), AdaGrad(lr=0.01), RMSprop(lr=0.001), Adam(lr=0.001),
):
    net = cnet.MultiLayerNet(784, [100, 100, 100, 100], 10, rng=0)
    history = net.fit(x_train, t_train, iterations=1000, batch_size=128, optimizer=trained_by)
    accuracy = net.accuracy(x_validation, t_validation)
    print(f"{trained_by}: loss {history.loss[-100:].mean():.2f}, accuracy {accuracy:.2f}")
    histories[type(trained_by).__name__] = history

cnet.plots.loss_curves(histories, log=True)

# %%
# A schedule leads the rate down towards the end, so that the noise of the mini-batches dies away.

for schedule in (None, "cosine", "one-cycle"):
    net = cnet.MultiLayerNet(784, [100, 100, 100, 100], 10, rng=0)
    net.fit(x_train, t_train, iterations=1000, batch_size=128, optimizer=Adam(lr=0.003), schedule=schedule)
    loss = net.loss(x_validation, t_validation)
    print(f"schedule {schedule or 'constant'}: loss on validation data {loss:.2f}")

cnet.plots.schedule(["constant", "cosine", "one-cycle"], learning_rate=0.003)
plt.show()
