"""
Inside a network
================

While a network learns, its activations spread out and its gradients come and go. What is seen depends on
the first weights. And when it has learned: what does the loss look like around the place where it stands?
"""

import matplotlib.pyplot as plt

import cnet.plots

x, t = cnet.datasets.make_digits(5000, rng=0)

# %%
# A recorder is a callback of ``fit``. It keeps, after each epoch, how the activations and the gradients of
# some samples are spread. Here the weights begin small, at 0.01: all activations begin at 1/2, and the
# gradient of the first layer is next to nothing. That is the plateau at the beginning of the loss curve.

net = cnet.TwoLayerNet(784, 50, 10, 0.01, rng=0)
recorder = cnet.plots.DistributionRecorder(x[:200], t[:200])
recorder.record(net)
net.fit(x, t, epochs=20, learning_rate=0.3, callback=recorder)
cnet.plots.distributions(recorder)

# %%
# The same with weights that begin far too large, at 3: the activations begin at the ends of the sigmoid,
# where it is flat, and most of them stay there.

saturated = cnet.TwoLayerNet(784, 50, 10, 3.0, rng=0)
recorder = cnet.plots.DistributionRecorder(x[:200], t[:200])
recorder.record(saturated)
saturated.fit(x, t, epochs=20, learning_rate=0.3, callback=recorder)
cnet.plots.distributions(recorder)

for name, learned in (("0.01", net), ("3", saturated)):
    print(f"weights that begin at {name}: loss {learned.loss(x, t):.2f}, accuracy {learned.accuracy(x, t):.2f}")

# %%
# The loss of the first network on a plane through its parameters, spanned by two random directions. At 1
# all weights have changed by as much as they are long: the valley is wide.

cnet.plots.loss_slice(net, x[:1000], t[:1000], rng=0)
plt.show()
