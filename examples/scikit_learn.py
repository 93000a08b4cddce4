"""
In scikit-learn's pipelines
===========================

``cnet.estimators`` has scikit-learn's two perceptrons with what its users asked for: here a table with labels and
missing values, classes of which one is rare, and bands that hold most of what is measured.

It needs scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import PrecisionRecallDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from cnet.estimators import MLPClassifier, MLPRegressor
from cnet.losses import Quantile

rng = np.random.default_rng(0)

# %%
# A table of customers: a contract by name, age and calls, of which some are not known. Few cancel.

n = 4000
contract = rng.choice(["month", "year", "two years"], n)
age, calls = rng.normal(45, 12, n), rng.poisson(2, n).astype(float)
odds = -5 + 2 * (contract == "month") + 0.7 * calls - 0.02 * (age - 45)
cancels = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), "cancels", "stays")
age[rng.random(n) < 0.1] = np.nan
table = np.stack([contract.astype(object), age, calls], axis=1)
train, test, y_train, y_test = train_test_split(table, cancels, random_state=0, stratify=cancels)
print(f"{(cancels == 'cancels').mean():.0%} cancel")

# %%
# The same pipeline with and without weights of the classes. With them, both classes count the same, and the default
# threshold finds most of those who cancel; the order of the customers hardly changes.


def pipeline(class_weight: str | None) -> Pipeline:
    columns = make_column_transformer(
        (OneHotEncoder(), [0]), (make_pipeline(SimpleImputer(), StandardScaler()), [1, 2]),
    )
    classifier = MLPClassifier(
        (30,), "gelu", class_weight=class_weight, early_stopping=True, scoring="average_precision", random_state=0,
    )
    return make_pipeline(columns, classifier)


figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
y_true = (y_test == "cancels") * 1
for class_weight in (None, "balanced"):
    fitted = pipeline(class_weight).fit(train, (y_train == "cancels") * 1)
    found = fitted.predict(test) == 1
    print(f"class_weight={class_weight}: found {found[y_true == 1].mean():.0%} of those who cancel, "
          f"{(y_true[found] == 1).mean():.0%} of those found do")
    PrecisionRecallDisplay.from_predictions(
        y_true, fitted.predict_proba(test)[:, 1], name=f"class_weight={class_weight}", ax=ax)

# %%
# Bands: three quantiles of what is measured, each by a regressor of its own. Between the outer ones lie 80 %.

x = np.sort(rng.uniform(-3, 3, 1500))
y = np.sin(2 * x) + rng.normal(0, 0.1 + 0.2 * np.abs(x))
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(x, y, ".", ms=2, alpha=0.4, color="gray")
bands = {}
for q in (0.1, 0.5, 0.9):
    regressor = MLPRegressor(
        Quantile(q), (50, 50), "tanh", optimizer="adam", schedule="cosine", learning_rate_init=0.01, max_iter=150,
        n_iter_no_change=150, tol=0, random_state=0, callbacks=lambda info: info.epoch == 149,
    ).fit(x[:, None], y)
    bands[q] = regressor.predict(x[:, None])
    ax.plot(x, bands[q], label=f"quantile {q}")
inside = (y > bands[0.1]) & (y < bands[0.9])
print(f"{inside.mean():.0%} between the quantiles 0.1 and 0.9")
ax.legend(frameon=False)
plt.show()
