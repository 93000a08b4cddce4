"""
Loss functions
==============

A loss is one number that tells how bad an answer is. Here are the squared error and the
cross-entropy, for one answer and for a batch of them.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, sections 4.2.1 to 4.2.4.
"""

import matplotlib.pyplot as plt
import numpy as np

from cnet import cross_entropy_error, mean_squared_error

# %%
# The image shows a two. The first answer gives it 60 %, the second says it is a seven.

target = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
right = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
wrong = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])

for name, answer in (("right", right), ("wrong", wrong)):
    print(
        f"{name}: squared error {mean_squared_error(answer, target):.4f}, "
        f"cross-entropy {cross_entropy_error(answer, target):.4f}"
    )

# %%
# How each loss depends on the probability of the true class, with the rest shared equally by the
# nine others. The cross-entropy punishes a sure mistake without bound; the squared error
# stays below 1, and flattens just where the answer is worst.

share = np.linspace(0.002, 1.0, 300)
answers = np.repeat((1 - share)[:, np.newaxis] / 9, 10, axis=1)
answers[:, 2] = share

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(share, [cross_entropy_error(answer, 2) for answer in answers], label="cross-entropy")
ax.plot(share, [mean_squared_error(answer, target) for answer in answers], label="squared error")
ax.axvline(0.1, color="gray", linestyle=":", label="a guess")
ax.set(xlabel="probability of the true class", ylabel="loss")
ax.legend(frameon=False)

# %%
# A batch of five. From each row of ``y`` the probability of that row's class is picked:

odd_rows, even_rows = np.arange(1, 11), np.arange(11, 21)
y = np.array([odd_rows, even_rows, odd_rows, even_rows, odd_rows])
t = np.array([5, 6, 7, 8, 9])
picked = y[np.arange(5), t]
print(picked)

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for (row, column), value in np.ndenumerate(y):
    chosen = column == t[row]
    ax.text(
        column, row, str(value), ha="center", va="center", color="white" if chosen else "0.45",
        weight="bold" if chosen else "normal",
        bbox={"boxstyle": "circle", "fc": "#0072B2"} if chosen else None,
    )
ax.set(xlim=(-0.5, 9.5), ylim=(4.5, -0.5), xticks=range(10), yticks=range(5), aspect="equal")
ax.set(xlabel="column t", ylabel="row n", title="y[np.arange(5), t]")

# %%
# With probabilities in ``y`` this is all the cross-entropy needs, so targets may be
# one-hot rows or class numbers; the loss is the same.

probabilities = y / y.sum(axis=1, keepdims=True)
print(cross_entropy_error(probabilities, t), cross_entropy_error(probabilities, np.eye(10)[t]))
plt.show()
