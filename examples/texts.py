"""
Texts as a sparse matrix
========================

How to train on texts. scikit-learn's vectorizer makes each text a row of a sparse matrix, with one column for
each word; nearly all of its cells are 0. ``MLPClassifier`` reads such a matrix as it is, and never makes it
dense. The texts are the paragraphs of scikit-learn's own documentation strings, and the network learns to tell
which module a paragraph is from.

It needs scikit-learn.
"""

import importlib
import inspect

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedGroupKFold

from cnet.estimators import MLPClassifier

# %%
# Paragraphs of ten words or more are taken, but no code, and a paragraph that stands in several places only
# once.

MODULES = ["cluster", "decomposition", "ensemble", "feature_selection", "linear_model", "metrics"]
places: dict[str, tuple[str, str]] = {}
for module in MODULES:
    imported = importlib.import_module(f"sklearn.{module}")
    for name in sorted(imported.__all__):
        documented = getattr(imported, name)
        methods = [method for _, method in inspect.getmembers(documented, inspect.isfunction)]
        for text in map(inspect.getdoc, [documented, *methods]):
            for paragraph in (text or "").split("\n\n"):
                if len(paragraph.split()) >= 10 and ">>>" not in paragraph:
                    places.setdefault(paragraph, (module, name))
texts = np.array(list(places), dtype=object)
modules, names = np.array(list(places.values())).T

# %%
# All paragraphs about one class or function are either training texts or test texts. Words that occur in fewer
# than three texts are left out.

folds = StratifiedGroupKFold(4, shuffle=True, random_state=0)
train, test = next(folds.split(texts, modules, names))
vectorizer = TfidfVectorizer(min_df=3, token_pattern=r"[a-z_]{3,}", dtype=np.float32)
x_train, x_test = vectorizer.fit_transform(texts[train]), vectorizer.transform(texts[test])
rows, columns = x_train.shape
print(f"{rows:,} texts, {columns:,} words; {x_train.nnz / (rows * columns):.1%} of the cells are not 0")

classifier = MLPClassifier(
    (50,), class_weight="balanced", input_dropout=0.3, early_stopping=True, n_iter_no_change=5,
    random_state=0,
)
classifier.fit(x_train, modules[train])
print(f"{classifier.score(x_test, modules[test]):.0%} of the test texts are assigned to the right module; "
      f"guessing would reach {1 / len(MODULES):.0%}")

# %%
# Which modules are hard to tell?

right = classifier.predict(x_test) == modules[test]
shares = [100 * right[modules[test] == module].mean() for module in MODULES]
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.barh(MODULES[::-1], shares[::-1])
ax.axvline(100 / len(MODULES), color="gray", linestyle=":", label="guessing")
ax.set(title="Texts assigned to the right module", xlabel="share of test texts, %", xlim=(0, 100))
ax.legend(frameon=False)

# %%
# What has the network learned? A text of one word is a row with a single 1. These are the words for which it is
# most certain of each module.

words = vectorizer.get_feature_names_out()
single = scipy.sparse.eye_array(len(words), dtype=np.float32, format="csr")
probabilities = classifier.predict_proba(single)
figure, panels = plt.subplots(3, 2, figsize=(6.6, 6.6), layout="constrained", sharex=True)
for ax, module, probability in zip(panels.flat, classifier.classes_, probabilities.T, strict=True):
    best = np.argsort(probability)[-6:]
    ax.barh(words[best], 100 * probability[best])
    ax.set(title=module, xlim=(0, 100))
for ax in panels[-1]:
    ax.set_xlabel("probability, %")
plt.show()
