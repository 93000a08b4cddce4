"""scikit-learn's estimators on cnet's networks: `MLPClassifier` and `MLPRegressor`.

They take the place of ``sklearn.neural_network``'s classes of the same names: parameters, attributes and methods are
theirs, and more. This module needs scikit-learn, which ``import cnet`` does not import.
"""

from __future__ import annotations

try:
    import sklearn
except ImportError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise ModuleNotFoundError(
        'cnet.estimators needs scikit-learn 1.6 or later: pip install "cnet-nn[sklearn]"', name="sklearn"
    ) from None

if tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 6):
    raise ImportError(
        f'cnet.estimators needs scikit-learn 1.6 or later, found {sklearn.__version__}: '
        'pip install --upgrade "cnet-nn[sklearn]"'
    )

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
