"""
Inside a network
================

While a network learns, its activations spread out and its gradients grow and shrink. How they do depends on
the initial weights. And after training: what does the loss look like around the weights that were found?
"""

import matplotlib.pyplot as plt

import cnet.plots

x, t = cnet.datasets.make_digits(5000, rng=0)

# %%
# A recorder is a callback of ``fit``. After each epoch it records how the activations and the gradients of
# some samples are distributed. Here the weights begin small, with a standard deviation of 0.01: all activations begin
# near 1/2, and the gradient of the first layer is close to 0. That is the plateau at the beginning of the loss curve.

net = cnet.TwoLayerNet(784, 50, 10, 0.01, rng=0)
recorder = cnet.plots.DistributionRecorder(x[:200], t[:200])
recorder.record(net)
net.fit(x, t, epochs=20, learning_rate=0.3, callback=recorder)
cnet.plots.distributions(recorder)

# %%
# The same with initial weights that are far too large, with a standard deviation of 3: most activations begin
# near 0 or 1, where the sigmoid is flat, and most of them stay there.

saturated = cnet.TwoLayerNet(784, 50, 10, 3.0, rng=0)
recorder = cnet.plots.DistributionRecorder(x[:200], t[:200])
recorder.record(saturated)
saturated.fit(x, t, epochs=20, learning_rate=0.3, callback=recorder)
cnet.plots.distributions(recorder)

for name, learned in (("0.01", net), ("3", saturated)):
    loss, accuracy = learned.loss(x, t), learned.accuracy(x, t)
    print(f"weights that begin at {name}: loss {loss:.2f}, accuracy {accuracy:.2f}")

# %%
# The loss of the first network on a plane through its parameters, spanned by two random directions. At a distance
# of 1 the change of each layer's weights is as long as the weights themselves.

cnet.plots.loss_slice(net, x[:1000], t[:1000], rng=0)
plt.show()
