"""Accuracy and R² of cnet's estimators and scikit-learn's on scikit-learn's bundled data sets. See README.md."""

import argparse
import statistics
import warnings

import numpy as np
from sklearn import datasets, metrics, neural_network
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cnet import estimators


def diabetes(**options):
    """Targets from 25 to 346 would make plain gradient descent diverge in both: they are scaled."""
    x, y = datasets.load_diabetes(**options)
    return x, (y - y.mean()) / y.std()


WORKS = {
    "iris": ("MLPClassifier", datasets.load_iris),
    "wine": ("MLPClassifier", datasets.load_wine),
    "breast_cancer": ("MLPClassifier", datasets.load_breast_cancer),
    "digits": ("MLPClassifier", datasets.load_digits),
    "diabetes": ("MLPRegressor", diabetes),
}
WAYS = {
    "defaults": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True},
}


def score(module, kind, data, settings, seed, dtype):
    """The score on a quarter of the samples, held out by the seed; accuracy, or R²."""
    x, y = data
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, random_state=seed, stratify=y if kind == "MLPClassifier" else None)
    network = getattr(module, kind)(random_state=seed, **settings)
    steps = make_pipeline(StandardScaler(), network)
    # Figures are of these types from the first product on.
    steps.fit(x_train.astype(dtype), y_train)
    predicted = steps.predict(x_test.astype(dtype))
    return (metrics.accuracy_score if kind == "MLPClassifier" else metrics.r2_score)(y_test, predicted)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| data | way | scikit-learn | its spread | cnet | cnet less scikit-learn | most of one seed |")
    print("|---|---|---|---|---|---|---|")
    worse = []
    for name, (kind, load) in WORKS.items():
        data = load(return_X_y=True)
        for way, settings in WAYS.items():
            theirs, ours = (
                [score(module, kind, data, settings, seed, np.dtype(arguments.dtype))
                 for seed in range(arguments.seeds)]
                for module in (neural_network, estimators)
            )
            spread, difference = max(theirs) - min(theirs), statistics.mean(ours) - statistics.mean(theirs)
            most = max((b - a for a, b in zip(theirs, ours, strict=True)), key=abs)
            print(
                f"| {name} | {way} | {statistics.mean(theirs):.4f} | {spread:.4f} | {statistics.mean(ours):.4f} "
                f"| {difference:+.4f} | {most:+.4f} |", flush=True,
            )
            if difference < -spread:
                worse.append((name, way))
    if worse:
        raise SystemExit(f"below scikit-learn's by more than its spread: {worse}")


if __name__ == "__main__":
    main()
