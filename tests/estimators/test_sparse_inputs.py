"""Sparse matrices of SciPy, which are trained on and predicted without being made dense as a whole."""

import resource
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network as theirs

import cnet
from cnet.core import _network
from cnet.core._inputs import CompressedRows
from cnet.estimators import MLPClassifier, MLPRegressor
from cnet.estimators.rows import compressed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def made(rows, columns, density, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return scipy.sparse.random(rows, columns, density, format="csr", rng=rng, data_rvs=rng.standard_normal, dtype=dtype)


def rows_of(x):
    return CompressedRows(x.data, x.indices.astype(np.int32), x.indptr.astype(np.int64), x.shape[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [3, 64, 130, 700])
def test_the_core_computes_the_bits_of_dense_rows(isa, dtype, columns):
    x = made(90, columns, 0.1, dtype)
    x.data[:3] = 0  # kept explicitly
    t = np.arange(90) % 3
    net = _network.Network((columns, 37, 3), "tanh", dtype)
    net.forced_first_layer = "sparse"
    for i, array in enumerate((*net.weights, *net.biases)):
        array[...] = np.random.default_rng(i).normal(size=array.shape)
    np.testing.assert_array_equal(net.predict(rows_of(x)), net.predict(x.toarray()))
    assert net.loss_and_accuracy(rows_of(x), t) == net.loss_and_accuracy(x.toarray(), t)
    one, other = net.loss_and_gradient(rows_of(x), t), net.loss_and_gradient(x.toarray(), t)
    assert one[0] == other[0] == pytest.approx(net.loss_and_accuracy(x.toarray(), t)[0])
    for a, b in zip((*one[1], *one[2]), (*other[1], *other[2]), strict=True):
        np.testing.assert_array_equal(a, b)


def bits(a):
    """Of floats, so that 0 and -0 differ."""
    return a.view(f"u{a.itemsize}")


@pytest.fixture(params=[1, 2])
def threads(request):
    cnet.set_num_threads(request.param)
    yield request.param
    cnet.set_num_threads(None)


@pytest.mark.parametrize("of_values", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "columns", "units"), [
    (1, 1, 1), (65, 7, 3), (333, 61, 13), (130, 3001, 37), (129, 6007, 100), (67, 4099, 131),
])
def test_predictions_have_the_bits_of_dense_rows(isa, threads, of_values, dtype, rows, columns, units):
    """Compressed rows go past the tiles and bitmaps that dense ones go through."""
    rng = np.random.default_rng(rows)
    dense = rng.standard_normal((rows, columns)) * (rng.random((rows, columns)) < rng.random((rows, 1)) ** 4)
    dense[rows // 3] = 0
    # Products that vanish may leave a sum of -0, to which 0 must not be added.
    dense[rows // 2] *= 1e-30
    lost = columns // 3
    dense[:, lost] = 1
    x = scipy.sparse.csr_matrix(dense.astype(of_values))
    x.data[::5] = x.data[x.indices == lost] = 0  # kept explicitly
    dense = x.toarray()
    net = _network.Network((columns, units), (), dtype, "squared_error")
    net.forced_first_layer = "sparse"
    net.weights[0][...] = rng.standard_normal((columns, units)) * 1e-12 ** rng.random((columns, 1))
    net.weights[0][columns // 2] = 1e-320 if dtype == np.float64 else 1e-44
    exact = dense.astype(dtype).astype(np.float64) @ net.weights[0].astype(np.float64)
    size = np.abs(dense.astype(np.float64)) @ np.abs(net.weights[0].astype(np.float64))
    # Zeros are left out, not multiplied.
    net.weights[0][lost] = np.inf
    net.biases[0][...] = -0.0
    expected, got = net.predict(dense), net.predict(rows_of(x))
    np.testing.assert_array_equal(bits(got), bits(expected))
    halves = [net.predict(rows_of(half)) for half in (x[: rows // 2], x[rows // 2 :]) if half.shape[0]]
    np.testing.assert_array_equal(bits(np.concatenate(halves)), bits(expected))
    # NumPy's sums, in another order.
    assert (np.abs(got - exact) <= columns * np.finfo(dtype).eps * size + 1e-40).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_the_core_refuses_values_in_any_row(isa, threads, value):
    x = made(300, 4000, 0.02)
    x.data[-1] = value
    net = _network.Network((4000, 100, 3), "relu", np.float32)
    with pytest.raises(ValueError, match=r"too large for float32|not finite"):
        net.predict(rows_of(x))


@pytest.mark.parametrize("options", [
    {}, {"solver": "sgd"}, {"input_dropout": 0.2}, {"solver": "lbfgs"}, {"early_stopping": True}, {"batch_size": 7},
    {"n_threads": 3, "alpha": 1.0},
])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "dok"])
def test_a_fit_has_the_bits_of_one_on_dense_rows(options, kind):
    x = made(300, 200, 0.08)
    y = (np.asarray(x.sum(axis=1)).ravel() > 0) * 1
    given = (x.asformat(kind), x.toarray())
    fits = [MLPClassifier(17, max_iter=4, random_state=0, **options).fit(each, y) for each in given]
    for a, b in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    for each in fits:
        np.testing.assert_array_equal(each.predict_proba(x.asformat(kind)), each.predict_proba(x.toarray()))
        np.testing.assert_array_equal(each.decision_function(x), each.decision_function(x.toarray()))
        np.testing.assert_array_equal(each.hidden_activations(x)[0], each.hidden_activations(x.toarray())[0])


def test_as_scikit_learn(data):
    x, y = made(400, 50, 0.05), np.arange(400) % 4
    expected = theirs.MLPClassifier(max_iter=10, random_state=0, alpha=0.5).fit(x, y)
    got = MLPClassifier(max_iter=10, random_state=0, alpha=0.5).fit(x, y)
    np.testing.assert_allclose(got.loss_curve_, expected.loss_curve_, atol=1e-9)
    np.testing.assert_allclose(got.predict_proba(x), expected.predict_proba(x), atol=1e-9)


@pytest.mark.parametrize(("kind", "array", "place", "value"), [
    ("csr", "indices", 3, 10**8), ("csr", "indices", 3, -10**8), ("csr", "indptr", 5, 10**8), ("csr", "indptr", 0, 1),
    ("csr", "indptr", 5, -1), ("csr", "indptr", -1, 10**8), ("csc", "indices", 3, 10**8), ("csc", "indptr", 2, 10**8),
    ("bsr", "indices", 3, 10**8), ("coo", "row", 3, 10**8), ("coo", "col", 3, -10**8),
])
def test_a_damaged_matrix_is_refused(kind, array, place, value):
    y = np.arange(60) % 2
    sound = made(60, 6, 0.8)
    damaged = sound.asformat(kind).copy()
    getattr(damaged, array)[place] = value
    fitted = MLPClassifier(4, max_iter=2).fit(sound, y)
    for call in (
        fitted.predict, fitted.predict_proba, fitted.hidden_activations, lambda x: fitted.fit(x, y),
        lambda x: fitted.partial_fit(x, y), lambda x: fitted.score(x, y),
        lambda x: fitted.fit(sound, y, X_val=x, y_val=y),
    ):
        with pytest.raises(ValueError, match=r"^X(_val)? is a damaged sparse matrix: .* its shape \(60, 6\)"):
            call(damaged)
    labels = scipy.sparse.csr_array(np.c_[y, 1 - y])
    labels.indices[3] = 10**8
    with pytest.raises(ValueError, match=r"^y is a damaged sparse matrix: .* its shape \(60, 2\)"):
        fitted.fit(sound, labels)


def test_full_matrices_go_the_dense_way_row_block_by_row_block(monkeypatch):
    from cnet.estimators import rows

    x = made(200, 30, 0.6)
    y = np.arange(200) % 2
    fitted = MLPClassifier(5, max_iter=3, random_state=0).fit(x, y)
    same = MLPClassifier(5, max_iter=3, random_state=0).fit(x.toarray(), y)
    monkeypatch.setattr(rows, "MOST_BYTES", 7 * 30 * 8)
    np.testing.assert_array_equal(fitted.predict_proba(x), same.predict_proba(x.toarray()))


def test_a_matrix_is_left_as_it_is_and_its_order_does_not_matter():
    x = made(50, 40, 0.2)
    shuffled = x.copy()
    for row in range(50):
        part = slice(shuffled.indptr[row], shuffled.indptr[row + 1])
        shuffled.indices[part] = shuffled.indices[part][::-1].copy()
        shuffled.data[part] = shuffled.data[part][::-1].copy()
    shuffled.has_sorted_indices = shuffled.has_canonical_format = False
    before = shuffled.indices.copy()
    y = np.arange(50.0)
    one, other = (MLPRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(each, y) for each in (shuffled, x))
    np.testing.assert_array_equal(shuffled.indices, before)
    np.testing.assert_array_equal(one.predict(shuffled), other.predict(x))


def test_values_of_one_place_are_added():
    doubled = scipy.sparse.csr_matrix((np.array([1.0, 2.0, 4.0, 8.0]), [1, 1, 0, 2], [0, 3, 4]), shape=(2, 9))
    net = _network.Network((9, 2), (), np.float64)
    net.weights[0][...] = np.arange(18).reshape(9, 2)
    net.forced_first_layer = "sparse"
    np.testing.assert_array_equal(net.predict(compressed(doubled)), net.predict(doubled.toarray()))
    assert doubled.nnz == 4


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value):
    x = made(50, 40, 0.2)
    fitted = MLPRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(x, np.arange(50.0))
    x.data[17] = value
    for call in (fitted.predict, lambda each: fitted.fit(each, np.arange(50.0))):
        with pytest.raises(ValueError, match="contains"):
            call(x)


@pytest.mark.parametrize(("columns", "starts"), [
    ([0, 3], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([1, 0], [0, 2, 2]), ([1, 1], [0, 2, 2]), ([0, 1], [0, 3, 2]),
    ([0, 1], [1, 1, 2]), ([0, 1], [0, 1, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 1], []),
])
def test_rows_that_kernels_must_not_read(columns, starts):
    with pytest.raises(ValueError, match="expected"):
        try:
            CompressedRows(np.ones(2), np.array(columns, np.int32), np.array(starts, np.int64), 3)
        except ValueError as error:
            raise ValueError(f"expected: {error}") from None


def test_numerical_gradients_take_arrays_alone():
    from cnet.core._numerical_trainer import NumericalTrainer

    net = cnet.TwoLayerNet(3, 2, 2, rng=0)
    rows = CompressedRows(np.ones(2), np.array([0, 1], np.int32), np.array([0, 1, 2]), 3)
    with pytest.raises(TypeError, match="x must hold real numbers, got CompressedRows"):
        NumericalTrainer(
            net._core, rows, [0, 1], None, batch_size=1, h=1e-4, shuffle=True, key=0, first_epoch=0, n_threads=1)
    with pytest.raises(ValueError, match="must have shape"):
        net._core.predict(CompressedRows(np.ones(0), np.zeros(0, np.int32), np.array([0, 0]), 2))


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is counted in other units")
def test_wide_matrices_need_no_dense_copy():
    x = made(3000, 60_000, 0.0005, np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    MLPClassifier(4, max_iter=1, random_state=0).fit(x, np.arange(3000) % 2).predict(x)
    # Dense, they would be 720 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


WIDE = """
import resource
import warnings
import numpy as np
import scipy.sparse
from cnet.estimators import MLPClassifier

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
n = 2_000_000
places = rng.integers(0, 20_000, n), rng.integers(0, 100_000, n)
x = scipy.sparse.csr_matrix((rng.random(n).astype("DTYPE"), places), (20_000, 100_000))
del places
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fitted = MLPClassifier(max_iter=1, random_state=0).fit(x, rng.integers(0, 4, 20_000))
assert fitted.coefs_[0].dtype == "DTYPE" and len(fitted.predict(x)) == 20_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is counted in other units")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_20000_rows_of_100000_columns_train_in_less_than_a_gigabyte(dtype):
    """Above what the process held before, with the matrix and the libraries."""
    code = WIDE.replace("DTYPE", dtype)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 1e9
