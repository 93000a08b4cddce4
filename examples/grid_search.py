"""
A grid search with progress
===========================

How to search for good settings with scikit-learn's ``GridSearchCV``, and to watch it while it runs. Twelve
pairs of learning rate and dropout are tried on three folds each. A callback of ours counts the fits, records
their losses, and ends those that do not get anywhere.

It needs scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from cnet.callbacks import EpochInfo
from cnet.estimators import MLPClassifier

x, label = load_digits(return_X_y=True)
rates, dropouts = [0.0001, 0.001, 0.01, 0.1], [0.0, 0.3, 0.6]
N_FITS = len(rates) * len(dropouts) * 3 + 1

# %%
# A callback is called after every epoch; if it returns True, the fit ends. It is a function here: a search
# copies its estimators with their parameters, and copies of a function are the function itself, while an object
# would be copied for each fit.

losses: list[list[float]] = []


def watch(info: EpochInfo) -> bool:
    """Note the loss, and end the fit if after five epochs it is still above that of guessing."""
    if info.epoch == 1:
        losses.append([])
        if len(losses) % 6 == 1:
            print(f"fit {len(losses):2} of {N_FITS}")
    losses[-1].append(info.loss)
    return info.epoch >= 5 and info.loss > np.log(10)


# %%
# The last fit is that of the best pair on all digits. With ``n_jobs=2`` two fits would run at a time, each on
# one thread, and the callback in two other processes, whose list this program does not see. From scikit-learn
# 1.9 on, its own progress bar works, too: ``search.set_callbacks(sklearn.callback.ProgressBar())``.

classifier = MLPClassifier((100,), early_stopping=True, callbacks=watch, random_state=0)
search = GridSearchCV(classifier, {"learning_rate_init": rates, "dropout": dropouts}, cv=3)
search.fit(x / 16, label)
print(f"best: {search.best_params_}, accuracy {search.best_score_:.1%}")

# %%
# The accuracy of each pair, as the mean over the folds.

scores = search.cv_results_["mean_test_score"].reshape(len(dropouts), len(rates))
figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
shown = ax.imshow(scores, cmap="Blues", vmin=0.8, vmax=1, aspect="auto")
for row, column in np.ndindex(scores.shape):
    ax.text(column, row, f"{scores[row, column]:.1%}", ha="center", va="center",
            color="white" if scores[row, column] > 0.9 else "black")
ax.set(title="Accuracy on digits held out", xlabel="learning rate", ylabel="dropout",
       xticks=range(len(rates)), xticklabels=rates, yticks=range(len(dropouts)), yticklabels=dropouts)

# %%
# What the callback has noted: the loss of every fit, one colour for each learning rate.

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for number, curve in enumerate(losses[:-1]):
    rate = number // 3 % len(rates)
    ax.plot(range(1, len(curve) + 1), curve, color=f"C{rate}")
ax.set(title="The loss of every fit", xlabel="epoch", ylabel="training loss", yscale="log")
ax.legend(ax.lines[: 3 * len(rates) : 3], [str(rate) for rate in rates], title="learning rate", frameon=False)
plt.show()
