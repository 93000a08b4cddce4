"""
Learning by mini-batches
========================

The training loop of the chapter, written out, and the same as one call of ``fit``; then what the network has
learned and what it still misreads. cnet draws the digits, so nothing is downloaded.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.5.
"""

import matplotlib.pyplot as plt
import numpy as np

import cnet.plots

x, t = cnet.datasets.make_digits(14_000, rng=0)
x_train, t_train = x[:10_000], t[:10_000]
x_validation, t_validation = x[10_000:12_000], t[10_000:12_000]
x_test, t_test = x[12_000:], t[12_000:]
cnet.plots.digits(x_train, t_train)

# %%
# Each iteration draws a batch, computes its gradient and takes a step against it. After each epoch the accuracy is
# measured on the validation data, which the network does not learn from. The test data are for the very end.

ITERATIONS, BATCH_SIZE, LEARNING_RATE = 1000, 100, 0.5
PER_EPOCH = len(x_train) // BATCH_SIZE

net = cnet.TwoLayerNet(784, 50, 10, rng=0)
rng = np.random.default_rng(0)
losses, train_accuracies, validation_accuracies = [], [], []
for iteration in range(ITERATIONS):
    batch = rng.choice(len(x_train), BATCH_SIZE)
    gradient = net.gradient(x_train[batch], t_train[batch])
    for name in ("W1", "b1", "W2", "b2"):
        net.params[name] -= LEARNING_RATE * gradient[name]
    losses.append(net.loss(x_train[batch], t_train[batch]))
    if (iteration + 1) % PER_EPOCH == 0:
        train_accuracies.append(net.accuracy(x_train, t_train))
        validation_accuracies.append(net.accuracy(x_validation, t_validation))

print(f"validation accuracy {validation_accuracies[-1]:.3f}")
cnet.plots.loss_curve(losses)

# %%

LABELS = ("train", "validation")
cnet.plots.accuracy_curve(train_accuracies, validation_accuracies, labels=LABELS)

# %%
# ``fit`` does the same in compiled code: three times as many iterations in less time. The history holds the loss of
# every iteration and the accuracies of every epoch.

net = cnet.TwoLayerNet(784, 50, 10, rng=0)
history = net.fit(
    x_train, t_train, epochs=30, learning_rate=LEARNING_RATE,
    validation_data=(x_validation, t_validation),
)
print(f"{history.iterations} iterations, test accuracy {net.accuracy(x_test, t_test):.3f}")
cnet.plots.accuracy_curve(history, labels=LABELS)

# %%
# These are the weights of the hidden units as images:

cnet.plots.weights(net)

# %%
# This shows which digits it takes for which:

cnet.plots.confusion_matrix(net, x_test, t_test)

# %%
# And these are digits that it misread:

cnet.plots.misread(net, x_test, t_test)
plt.show()
