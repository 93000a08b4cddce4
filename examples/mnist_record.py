"""
What distortion and committees do
=================================

Networks without convolution hold astonishing records on MNIST, by two means: no network sees an image twice, because
each is distorted anew every time, and several networks vote. This program shows both on drawn digits, in some seconds.
With ``python mnist_record.py mnist`` it does the same with the real ones, in some minutes.
"""

import dataclasses
import sys

import matplotlib.pyplot as plt

import cnet.plots
from cnet import recipes

if "mnist" in sys.argv[1:]:
    (x, t), (x_test, t_test) = cnet.datasets.load_mnist(normalize=False)
    recipe = recipes.ACCURATE
else:
    x, t = cnet.datasets.make_digits(3000, rng=0)
    x_test, t_test = cnet.datasets.make_digits(2000, rng=1)
    recipe = dataclasses.replace(recipes.ACCURATE, hidden=(200,), epochs=60)
print(recipe)

# %%
# The same network with the recipe's distortions and without, and its error on images that it has never seen,
# against the time of training. The one without distortions knows its images by heart after some epochs, and stops
# getting better. The other one is never done.

axes = plt.figure().subplots()
networks = {}
for name, augment in (("without distortions", None), ("with distortions", recipe.augment)):
    curve: list[tuple[float, float]] = []

    def measure(info: cnet.callbacks.EpochInfo, curve: list[tuple[float, float]] = curve) -> None:
        curve.append((info.seconds, 100 * (1 - info.network.accuracy(x_test, t_test))))

    net = networks[name] = recipe.network(rng=0)
    net.fit(x, t, **{**recipe.fit_options(), "augment": augment}, callback=measure)
    axes.plot(*zip(*curve, strict=True), label=name)
    print(f"{name}: test error {curve[-1][1]:.2f} %")
axes.set(xlabel="seconds of training", ylabel="test error, %", ylim=(0, 30))
axes.legend()

# %%
# What the first layer looks for. Without distortions, weights stay rough: each pixel has its own say. With them,
# neighbouring pixels must agree, and strokes begin to appear.

for net in networks.values():
    cnet.plots.weights(net)

# %%
# Three networks vote. One sees the digits as they are, one upright, and one all equally wide.

ways = [None, cnet.preprocess.Normalize(), cnet.preprocess.Normalize(width=16)]
committee = cnet.Committee.train(recipe.network, x, t, n=3, rng=1, preprocessing=ways, **recipe.fit_options())
alone = [100 * (1 - cnet.Committee([net], [way]).accuracy(x_test, t_test))
         for net, way in zip(committee.networks, ways, strict=True)]
together = 100 * (1 - committee.accuracy(x_test, t_test))
print("alone:", ", ".join(f"{error:.2f} %" for error in alone))
print(f"committee: test error {together:.2f} %, less than the mean of its networks: {together < sum(alone) / 3}")

# %%
# What the single network still misreads. Of some, one may ask what they are.

cnet.plots.misread(networks["with distortions"], x_test, t_test)
plt.show()
