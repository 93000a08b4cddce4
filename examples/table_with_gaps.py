"""
A table with labels and missing values
======================================

How to train on a table as it usually comes: some columns hold words, some hold numbers, some cells are empty. A
scikit-learn pipeline prepares the columns, and ``cnet.estimators.MLPClassifier`` at its end learns to predict
the rent of a flat as one of three labels.

It needs scikit-learn and pandas.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from cnet.estimators import MLPClassifier

# %%
# The table is drawn at random, so that we know what the rent depends on: the area, the district and the year,
# and not on the floor. One cell in ten is empty, except in the column of the area.

rng = np.random.default_rng(0)
n = 6000
flats = pd.DataFrame({
    "district": rng.choice(["centre", "harbour", "hills", "south"], n),
    "heating": rng.choice(["gas", "electric", "district heating"], n),
    "area": rng.gamma(8, 9, n).round(),
    "year": rng.integers(1900, 2026, n).astype(float),
    "floor": rng.integers(0, 8, n).astype(float),
})
price = flats["district"].map({"centre": 19.0, "harbour": 15.0, "hills": 13.0, "south": 10.0})
price += flats["heating"].map({"gas": 0.0, "electric": -1.0, "district heating": 1.0})
price += ((flats["year"] - 1965) / 35) ** 2  # old and new houses cost more than those of the sixties
rent = flats["area"] * price * rng.normal(1, 0.07, n)
label = pd.cut(rent, [0, 650, 1150, np.inf], labels=["cheap", "medium", "expensive"]).astype(str)
for column in flats.columns.drop("area"):
    flats.loc[rng.random(n) < 0.1, column] = np.nan
print(flats.head(4).to_string())

# %%
# Words become columns of zeros and ones, and an empty cell a word of its own. In columns of numbers the median
# stands for an empty cell, and one more column says which cells were empty. The labels stay strings.

words = make_pipeline(SimpleImputer(strategy="constant", fill_value="unknown"), OneHotEncoder())
numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
model = make_pipeline(
    make_column_transformer((words, ["district", "heating"]), (numbers, ["area", "year", "floor"])),
    MLPClassifier((50, 50), "gelu", dropout=0.1, early_stopping=True, random_state=0),
)
train, test, label_train, label_test = train_test_split(flats, label, random_state=0)
model.fit(train, label_train)
print(f"{model.score(test, label_test):.0%} of the test labels are right")

# %%
# Mistakes are made between neighbouring labels only.

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, test, label_test, labels=["cheap", "medium", "expensive"], normalize="true",
    values_format=".0%", cmap="Blues", colorbar=False, ax=ax,
)
ax.set(title="Predicted labels for each true label", xlabel="predicted label", ylabel="true label")

# %%
# The network has found what the rent depends on: the accuracy falls when the cells of such a column are
# shuffled. The floor does not matter.

importance = permutation_importance(model, test, label_test, n_repeats=10, random_state=0)
order = np.argsort(importance["importances_mean"])
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.barh(flats.columns[order], 100 * importance["importances_mean"][order],
        xerr=100 * importance["importances_std"][order], ecolor="gray")
ax.set(title="Which columns matter", xlabel="accuracy lost by shuffling, %")
plt.show()
