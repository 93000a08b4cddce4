"""
Regression with bands
=====================

How to predict a range and not only a value. A network that is trained with the quantile loss predicts a value
below which a given share of the targets lies. Two of them bound a band that holds, say, 90 % of the targets,
and is wide where they scatter and narrow where they do not.

It needs scikit-learn.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cnet.estimators import MLPRegressor
from cnet.losses import Quantile

# %%
# What is measured: a load over the hours of a day. It scatters more in the evening, and more upwards than
# downwards.

rng = np.random.default_rng(0)


def measure(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n hours, in order, and the load at each."""
    hour = np.sort(rng.uniform(0, 24, n))
    usual = 40 - 18 * np.cos(2 * np.pi * (hour - 3) / 24) + 8 * np.exp(-((hour - 19) ** 2) / 4)
    scatter = 2 + 5 * np.exp(-((hour - 19) ** 2) / 18)
    return hour, usual + scatter * (rng.gamma(2, 1, n) - 2)


hour, load = measure(3000)
hour_test, load_test = measure(3000)

# %%
# One network for each quantile. The schedule lowers the learning rate to 0 over 100 epochs, so that the curves
# end smooth; all of these epochs are wanted, and the warning that training has not converged before the last
# one is not. Hours and loads are standardised; a quantile of the standardised loads, scaled back, is the
# quantile of the loads.

warnings.simplefilter("ignore", ConvergenceWarning)
predicted = {}
for q in (0.05, 0.25, 0.5, 0.75, 0.95):
    network = MLPRegressor(
        Quantile(q), (50, 50), "gelu", optimizer="adam", schedule="cosine", learning_rate_init=0.01,
        max_iter=100, n_iter_no_change=100, random_state=0,
    )
    scaled = make_pipeline(StandardScaler(), network)
    model = TransformedTargetRegressor(scaled, transformer=StandardScaler())
    model.fit(hour[:, None], load)
    predicted[q] = model.predict(hour_test[:, None])

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
ax.plot(hour_test, load_test, ".", ms=2, color="gray", alpha=0.5)
for low, high, alpha in ((0.05, 0.95, 0.25), (0.25, 0.75, 0.45)):
    ax.fill_between(hour_test, predicted[low], predicted[high], color="C0", alpha=alpha, linewidth=0,
                    label=f"{high - low:.0%} of the loads")
ax.plot(hour_test, predicted[0.5], color="C1", label="median")
ax.set(title="Bands that follow the scatter", xlabel="hour of the day", ylabel="load in megawatts",
       xlim=(0, 24), xticks=range(0, 25, 4))
ax.legend(frameon=False, loc="upper left")

# %%
# Do the bands keep their promise on loads that the networks have not seen? The share of loads below each curve
# should be the quantile.

below = {q: float((load_test < values).mean()) for q, values in predicted.items()}
print("share below: " + ", ".join(f"{share:.3f} for {q}" for q, share in below.items()))
inside = below[0.95] - below[0.05]
print(f"{inside:.0%} lie between the quantiles 0.05 and 0.95")
plt.show()
