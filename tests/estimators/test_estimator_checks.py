"""scikit-learn's own checks of estimators, all of them."""

import unittest

import pytest
from sklearn import neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

from cnet.estimators import MLPClassifier, MLPRegressor

# As scikit-learn runs the checks of its own.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Can't check")


CHECKS = parametrize_with_checks([
    MLPClassifier(max_iter=100), MLPRegressor(max_iter=100), MLPClassifier(solver="sgd", max_iter=100),
    MLPRegressor(solver="lbfgs", max_iter=100),
])


# A list: scikit-learn 1.8 and earlier give a generator, of which pytest 9 warns.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_a_check(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest:
        # Only what is skipped for scikit-learn's own class too.
        theirs = getattr(neural_network, type(estimator).__name__)(max_iter=100, solver=estimator.solver)
        with pytest.raises(unittest.SkipTest):
            check(theirs)
        raise
