"""
A rare class
============

What to do when one class is rare: here one machine in forty fails. Accuracy says little then; a picture of
precision and recall says more. ``class_weight="balanced"`` makes the rare class count as much as the other one.

It needs scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cnet.estimators import MLPClassifier

# %%
# A machine fails if it is hot and loaded at the same time, or if it shakes; some fail without any reason that
# can be seen.

rng = np.random.default_rng(0)
n = 30_000
heat, load, shaking, age = rng.standard_normal((4, n))
odds = -6.0 + 2.5 * np.maximum(heat + load - 1, 0) + 1.5 * np.maximum(shaking - 0.5, 0)
fails = rng.random(n) < 1 / (1 + np.exp(-odds))
x = np.column_stack([heat, load, shaking, age])
x_train, x_test, fails_train, fails_test = train_test_split(x, fails, stratify=fails, random_state=0)
print(f"{fails.mean():.1%} fail: to say that none does is right in {1 - fails.mean():.1%} of the cases")

# %%
# Precision is the share of the alarms that are right, recall the share of the failures that are found. Each
# threshold on the probability is one point of a curve, and ``predict`` takes the threshold 0.5: the dot. Both
# networks order the machines alike, so their curves hardly differ. But without weights the dot is where few
# failures are found. With them most are found, at the price of false alarms. Training stops by the average
# precision, which is the area under such a curve.

figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
for class_weight in (None, "balanced"):
    model = make_pipeline(StandardScaler(), MLPClassifier(
        (30, 30), class_weight=class_weight, early_stopping=True, scoring="average_precision",
        random_state=0,
    ))
    model.fit(x_train, fails_train)
    probability = model.predict_proba(x_test)[:, 1]
    alarm = model.predict(x_test)
    precision, recall = fails_test[alarm].mean(), alarm[fails_test].mean()
    accuracy = (alarm == fails_test).mean()
    area = average_precision_score(fails_test, probability)
    print(f"class_weight={class_weight!r}: recall {recall:.0%}, precision {precision:.0%}, "
          f"accuracy {accuracy:.1%}, average precision {area:.2f}")
    precisions, recalls, _ = precision_recall_curve(fails_test, probability)
    line, = ax.plot(recalls, precisions, label=f"class_weight={class_weight!r}")
    ax.plot(recall, precision, "o", ms=9, color=line.get_color())
    ax.annotate("threshold 0.5", (recall, precision), (10, 8), textcoords="offset points",
                color=line.get_color())
ax.axhline(fails_test.mean(), color="gray", linestyle=":", label="alarms at random")
ax.set(title="Precision and recall at every threshold", xlabel="recall", ylabel="precision",
       xlim=(0, 1.02), ylim=(0, 1.02))
ax.legend(frameon=False)
plt.show()
