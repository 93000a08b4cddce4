"""
Learning by mini-batches
========================

The training loop of the chapter, written out, and the same as one call of ``fit``; then what was
learned and what is still misread. Digits are drawn, so nothing is downloaded.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.5.
"""

import matplotlib.pyplot as plt
import numpy as np

import cnet.plots

x, t = cnet.datasets.make_digits(12_000, rng=0)
x_train, t_train, x_test, t_test = x[:10_000], t[:10_000], x[10_000:], t[10_000:]
cnet.plots.digits(x_train, t_train)

# %%
# Draw a batch, take its gradient, step against it. After each epoch the accuracy is measured on
# data that took no part.

ITERATIONS, BATCH_SIZE, LEARNING_RATE = 1000, 100, 0.5
PER_EPOCH = len(x_train) // BATCH_SIZE

net = cnet.TwoLayerNet(784, 50, 10, rng=0)
rng = np.random.default_rng(0)
losses, train_accuracies, test_accuracies = [], [], []
for iteration in range(ITERATIONS):
    batch = rng.choice(len(x_train), BATCH_SIZE)
    gradient = net.gradient(x_train[batch], t_train[batch])
    for name in ("W1", "b1", "W2", "b2"):
        net.params[name] -= LEARNING_RATE * gradient[name]
    losses.append(net.loss(x_train[batch], t_train[batch]))
    if (iteration + 1) % PER_EPOCH == 0:
        train_accuracies.append(net.accuracy(x_train, t_train))
        test_accuracies.append(net.accuracy(x_test, t_test))

print(f"test accuracy {test_accuracies[-1]:.3f}")
cnet.plots.loss_curve(losses)

# %%

cnet.plots.accuracy_curve(train_accuracies, test_accuracies, labels=("train", "test"))

# %%
# ``fit`` does the same in compiled code, for longer in less time. The loss of every iteration and the
# accuracies of every epoch are in the history.

net = cnet.TwoLayerNet(784, 50, 10, rng=0)
history = net.fit(x_train, t_train, epochs=30, learning_rate=LEARNING_RATE, validation_data=(x_test, t_test))
print(f"{history.iterations} iterations, test accuracy {net.accuracy(x_test, t_test):.3f}")
cnet.plots.accuracy_curve(history, labels=("train", "test"))

# %%
# The weights of the hidden units as images,

cnet.plots.weights(net)

# %%
# which digits are taken for which,

cnet.plots.confusion_matrix(net, x_test, t_test)

# %%
# and the misread ones themselves.

cnet.plots.misread(net, x_test, t_test)
plt.show()
