"""
Loss functions
==============

A loss is one number that says how bad an answer is. Here are the squared error and the
cross-entropy, for one answer and for a batch of them.

After Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, sections 4.2.1 to 4.2.4.
"""

import matplotlib.pyplot as plt
import numpy as np

from cnet import cross_entropy_error, mean_squared_error, softmax

# %%
# The image shows a two. The first answer gives it a probability of 60 %, the second gives that to the seven.

target = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
right = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
wrong = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])

for name, answer in (("right", right), ("wrong", wrong)):
    print(
        f"{name}: squared error {mean_squared_error(answer, target):.4f}, "
        f"cross-entropy {cross_entropy_error(answer, target):.4f}"
    )

# %%
# A network learns by changing its scores, the inputs of the softmax. So this is how each loss depends on the
# score of the true class, while the scores of the nine other classes are 0. Further to the left the network is more
# certain that the image is not a two: the cross-entropy grows, and its slope approaches -1. The squared error is flat
# there: its slope approaches 0, so from such a mistake the network would learn almost nothing.

true_scores = np.linspace(-8.0, 8.0, 321)
scores = np.zeros((len(true_scores), 10))
scores[:, 2] = true_scores
answers = softmax(scores)
curves = {
    "cross-entropy": np.array([cross_entropy_error(answer, 2) for answer in answers]),
    "squared error": np.array([mean_squared_error(answer, target) for answer in answers]),
}

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for name, loss in curves.items():
    slope = np.gradient(loss, true_scores)
    print(f"{name}: slope {slope[0]:.3f} where the score is -8, {slope[160]:.3f} where it is 0")
    left.plot(true_scores, loss, label=name)
    right.plot(true_scores, slope, label=name)
left.set(xlabel="score of the true class", ylabel="loss")
right.set(xlabel="score of the true class", ylabel="slope of the loss")
left.legend(frameon=False)

# %%
# A batch of five. From each row of ``y`` the element in the column of that row's class is picked. (The numbers are no
# probabilities: they only show where they stand.)

odd_rows, even_rows = np.arange(1, 11), np.arange(11, 21)
y = np.array([odd_rows, even_rows, odd_rows, even_rows, odd_rows])
t = np.array([5, 6, 7, 8, 9])
picked = y[np.arange(5), t]
print(picked)

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for (row, column), value in np.ndenumerate(y):
    chosen = column == t[row]
    ax.text(
        column, row, str(value), ha="center", va="center", alpha=1 if chosen else 0.7,
        weight="bold" if chosen else "normal",
        bbox={"boxstyle": "circle", "fc": "none", "ec": "C0", "lw": 2} if chosen else None,
    )
ax.set(xlim=(-0.5, 9.5), ylim=(4.5, -0.5), xticks=range(10), yticks=range(5), aspect="equal")
ax.set(xlabel="column t", ylabel="row n", title="y[np.arange(5), t]")

# %%
# If ``y`` holds probabilities, those of the true classes are all that the cross-entropy needs, so targets may be
# one-hot rows or class indices; the loss is the same.

probabilities = y / y.sum(axis=1, keepdims=True)
print(cross_entropy_error(probabilities, t), cross_entropy_error(probabilities, np.eye(10)[t]))
plt.show()
