"""Data for the tests of the estimators, small and already scaled."""

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    make_multilabel_classification,
)


def scaled(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def _data():
    digits, labels = load_digits(return_X_y=True)
    digits = digits[:700] / 16
    numbers, values = load_diabetes(return_X_y=True)
    values = scaled(values)
    several = make_multilabel_classification(n_samples=150, random_state=0)
    tumours, kinds = load_breast_cancer(return_X_y=True)
    # Few are not zero: the sparse first layer.
    sparse = digits * (np.random.default_rng(1).random(digits.shape) < 0.3)
    return {
        "digits": (digits, labels[:700]),
        "sparse": (sparse, labels[:700]),
        "iris": load_iris(return_X_y=True),
        "binary": (scaled(tumours), kinds),
        "several": (several[0] / 10, several[1]),
        "values": (numbers, values),
        "counts": (numbers, np.round(values - values.min())),
        "outputs": (numbers, np.stack([values, values**2, -values], axis=1)),
        # More rows than a block has.
        "many": (np.tile(numbers, (4, 1)), np.tile(values, 4)),
    }


@pytest.fixture(scope="session")
def data():
    """Inputs and targets by name."""
    return _data()
