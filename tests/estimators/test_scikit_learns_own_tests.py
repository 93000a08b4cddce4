"""scikit-learn's own tests of its perceptrons, as they are installed, with cnet's classes in the place of its own."""

import importlib.util
import sys

import pytest
import sklearn
from sklearn import neural_network

from cnet.estimators import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# What calls private methods of scikit-learn's, which cnet does not have, and where the same is tested here.
PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs; gradients are tested by differences in test_beyond and tests of the core",
}
# What reads a private count that has another place here.
COUNTS = ("test_n_iter_no_change", "test_n_iter_no_change_inf")


def _own_tests():
    """The tests by name, in a module in which the classes are cnet's."""
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    if spec is None:
        pytest.skip(f"scikit-learn {sklearn.__version__} was installed without its tests", allow_module_level=True)
    spec = importlib.util.spec_from_file_location(__name__ + "_module", spec.origin)
    module = importlib.util.module_from_spec(spec)
    theirs = neural_network.MLPClassifier, neural_network.MLPRegressor
    try:
        # Parametrised tests take hold of the classes when they are defined.
        neural_network.MLPClassifier, neural_network.MLPRegressor = MLPClassifier, MLPRegressor
        spec.loader.exec_module(module)
    finally:
        neural_network.MLPClassifier, neural_network.MLPRegressor = theirs
    assert module.MLPClassifier is MLPClassifier and module.MLPRegressor is MLPRegressor
    sys.modules[spec.name] = module
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


TESTS = _own_tests()
globals().update({name: test for name, test in TESTS.items() if name not in PRIVATE})


@pytest.fixture
def global_random_seed():
    """What scikit-learn's settings of pytest give."""
    return 42


@pytest.fixture(autouse=True)
def _counts(request, monkeypatch):
    if request.node.originalname in COUNTS:
        for kind in (MLPClassifier, MLPRegressor):
            monkeypatch.setattr(
                kind, "_no_improvement_count", property(lambda self: self._progress.without_improvement), raising=False
            )


def test_what_is_left_out_is_there():
    """A list of tests that are no more would hide what they have become."""
    assert set(PRIVATE) | set(COUNTS) <= set(TESTS) and len(TESTS) > 30
