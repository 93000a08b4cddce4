"""The compiled network against the reference: every path, size, type and instruction set."""

import pickle

import numpy as np
import pytest

import cnet
from cnet import reference

ACTIVATIONS = ["sigmoid", "relu", "tanh"]
FIRST_LAYERS = ["sparse", "dense"]
# Odd sizes: one of each, none a multiple of a vector, some a little above one.
SIZES = [
    (1, 1, 1, 1), (1, 1, 2, 3), (3, 1, 5, 1), (7, 17, 3, 5), (33, 65, 17, 13), (130, 50, 10, 101), (64, 64, 16, 64),
]


def relative(actual, expected):
    """max|difference| / max|expected|."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    scale = np.abs(expected).max()
    return np.abs(actual - expected).max() / (scale if scale else 1)


def make(sizes, dtype, activation, kind="float", seed=0, std=0.5):
    """A network with weights large enough to matter, its inputs, targets, and a float64 copy."""
    n_in, n_hidden, n_out, n = sizes
    rng = np.random.default_rng(seed)
    net = cnet.TwoLayerNet(n_in, n_hidden, n_out, std, activation=activation, dtype=dtype, rng=seed)
    net.params["b1"] = rng.normal(0, std, n_hidden)
    net.params["b2"] = rng.normal(0, std, n_out)
    if kind == "uint8":
        x = rng.integers(0, 256, (n, n_in), dtype=np.uint8)
    else:
        x = rng.normal(0, 1, (n, n_in)).astype(kind if kind != "float" else dtype)
    x[rng.random(x.shape) < 0.5] = 0
    t = rng.integers(0, n_out, n)
    params = {name: np.array(array, np.float64) for name, array in net.params.items()}
    return net, x, t, params


def tolerance(dtype, n_in):
    return 1e-12 if dtype == np.float64 else 1e-5 * max(1.0, np.sqrt(n_in / 100))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("first_layer", FIRST_LAYERS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_passes_agree_with_reference(isa, sizes, first_layer, activation, dtype):
    for kind in ("uint8", np.float32, np.float64):
        net, x, t, params = make(sizes, dtype, activation, kind)
        net._core.forced_first_layer = first_layer
        exact_x = x if x.dtype == np.uint8 else x.astype(dtype).astype(np.float64)
        limit = tolerance(dtype, sizes[0])
        assert relative(net.predict(x), reference.predict(params, exact_x, activation)) < limit
        expected_loss = reference.loss(params, exact_x, t, activation)
        assert abs(net.loss(x, t) - expected_loss) <= limit * max(1, abs(expected_loss))
        gradient = reference.gradient(params, exact_x, t, activation)
        largest = max(np.abs(array).max() for array in gradient.values())
        for name, actual in net.gradient(x, t).items():
            assert actual.dtype == dtype
            assert np.abs(actual - gradient[name]).max() <= limit * max(largest, 1e-300)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_agrees_with_central_differences_of_the_compiled_loss(isa, activation):
    net, x, t, _ = make((6, 5, 4, 7), np.float64, activation)
    gradient = net.gradient(x, t)
    for name, array in net.params.items():
        by_differences = cnet.numerical_gradient(lambda _: net.loss(x, t), array)
        np.testing.assert_allclose(gradient[name], by_differences, rtol=0, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("h", [1e-4, 1e-2])
def test_numerical_gradient_agrees_with_the_naive_way(activation, dtype, h):
    net, x, t, params = make((9, 5, 4, 11), dtype, activation, "uint8")
    expected = reference.numerical_gradient(params, x, t, activation, h)
    actual = net.numerical_gradient(x, t, h=h)
    largest = max(np.abs(array).max() for array in expected.values())
    for name in expected:
        assert actual[name].dtype == np.float64
        assert np.abs(actual[name] - expected[name]).max() < 1e-9 * largest


def test_numerical_gradient_of_many_samples_and_one():
    net, x, t, params = make((4, 3, 2, 600), np.float64, "tanh")
    expected = reference.numerical_gradient(params, x, t, "tanh")
    actual = net.numerical_gradient(x, t)
    assert all(np.abs(actual[name] - expected[name]).max() < 1e-10 for name in expected)
    one = net.numerical_gradient(x[0], t[0])
    expected = reference.numerical_gradient(params, x[:1], t[:1], "tanh")
    assert all(np.abs(one[name] - expected[name]).max() < 1e-9 for name in expected)


def test_accuracy_counts_hits():
    net, x, t, params = make((20, 7, 5, 300), np.float32, "relu")
    assert net.accuracy(x, t) == pytest.approx(reference.accuracy(params, x, t, "relu"), abs=1e-12)
    assert {net.accuracy(row, label) for row, label in zip(x[:40], t[:40], strict=True)} == {0.0, 1.0}


def test_one_hot_and_indices_are_the_same_everywhere():
    net, x, t, _ = make((8, 6, 4, 10), np.float32, "sigmoid")
    for one_hot in (np.eye(4)[t], np.eye(4, dtype=np.float32)[t], np.eye(4, dtype=bool)[t], np.eye(4, dtype=int)[t]):
        assert net.loss(x, one_hot) == net.loss(x, t)
        assert net.accuracy(x, one_hot) == net.accuracy(x, t)
        for name, array in net.gradient(x, one_hot).items():
            np.testing.assert_array_equal(array, net.gradient(x, t)[name])
        for name, array in net.numerical_gradient(x, one_hot).items():
            np.testing.assert_array_equal(array, net.numerical_gradient(x, t)[name])
    assert net.loss(x[0], np.eye(4)[t[0]]) == net.loss(x[0], t[0])


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">i4", ">f8"])
def test_labels_of_every_type(dtype):
    net, x, t, _ = make((8, 6, 4, 10), np.float32, "sigmoid")
    assert net.loss(x, t.astype(dtype)) == net.loss(x, t)
    assert net.loss(x, list(t)) == net.loss(x, t)


def test_a_single_sample_is_a_row():
    net, x, t, _ = make((8, 6, 4, 10), np.float32, "tanh")
    assert net.predict(x[3]).shape == (4,)
    np.testing.assert_array_equal(net.predict(x[3]), net.predict(x[3:4])[0])
    assert net.loss(x[3], t[3]) == net.loss(x[3:4], t[3:4])
    for name, array in net.gradient(x[3], t[3]).items():
        np.testing.assert_array_equal(array, net.gradient(x[3:4], t[3:4])[name])


def test_uint8_means_pixels_and_other_integers_plain_numbers():
    net, x, t, _ = make((8, 6, 4, 10), np.float64, "tanh", "uint8")
    assert net.loss(x, t) == pytest.approx(net.loss(x / 255, t), rel=1e-12)
    assert net.loss(x.astype(np.int64), t) == net.loss(x.astype(np.float64), t)
    assert net.loss(x > 100, t) == net.loss((x > 100).astype(float), t)


def test_arrays_in_any_layout():
    net, x, t, _ = make((8, 6, 4, 10), np.float32, "tanh")
    expected = net.predict(x)
    wide = np.zeros((10, 16), np.float32)
    wide[:, ::2] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    layouts = [wide[:, ::2], np.asfortranarray(x), read_only, x[::-1][::-1], x.astype(">f4"), x.tolist()]
    for layout in layouts:
        np.testing.assert_array_equal(net.predict(layout), expected)
    np.testing.assert_array_equal(net.predict(np.asfortranarray(x)[2]), net.predict(x[2]))
    assert net.loss(x, np.repeat(t, 2)[::2]) == net.loss(x, t)


def test_many_rows_are_rows():
    net, x, t, params = make((20, 9, 5, 40_000), np.float64, "relu")
    assert relative(net.predict(x), reference.predict(params, x, "relu")) < 1e-12
    assert net.loss(x, t) == pytest.approx(reference.loss(params, x, t, "relu"), rel=1e-12)
    expected = reference.gradient(params, x, t, "relu")
    for name, array in net.gradient(x, t).items():
        assert relative(array, expected[name]) < 1e-11


def test_loss_is_finite_where_the_probability_is_zero():
    net = cnet.TwoLayerNet(1, 1, 2, 0.0, dtype=np.float32)
    net.params["b2"] = [0.0, 1e4]
    assert net.loss([1.0], 0) == pytest.approx(1e4)
    net.params["b2"] = [1e38, 1e38]
    assert net.loss([1.0], 0) == pytest.approx(np.log(2))
    np.testing.assert_array_equal(net.predict([1.0]), [0.5, 0.5])


def test_params_are_the_network():
    net = cnet.TwoLayerNet(3, 2, 2, rng=0)
    before = net.predict([1, 2, 3])
    w1 = net.params["W1"]
    net.params["W1"] -= 1
    assert net.params["W1"] is w1
    assert w1.flags.c_contiguous and w1.flags.writeable
    assert (net.predict([1, 2, 3]) != before).any()
    net.params["W1"] = w1 + 1.0
    np.testing.assert_allclose(net.predict([1, 2, 3]), before, rtol=1e-5)
    assert list(net.params) == ["W1", "b1", "W2", "b2"] and len(net.params) == 4


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("W3", 0, KeyError), ("W1", np.zeros((2, 3)), ValueError), ("b1", 0.0, ValueError),
        ("b1", ["a", "b"], TypeError), ("b1", [1e300, 0], ValueError), ("b1", [1j, 0], TypeError),
        ("b1", None, TypeError),
    ],
)
def test_params_refuse(name, value, error):
    net = cnet.TwoLayerNet(3, 2, 2, rng=0)
    before = {key: array.copy() for key, array in net.params.items()}
    with pytest.raises(error):
        net.params[name] = value
    for key, array in before.items():
        np.testing.assert_array_equal(array, net.params[key])


def test_initial_weights():
    net = cnet.TwoLayerNet(300, 200, 50, rng=5)
    assert net.params["W1"].std() == pytest.approx(0.01, rel=0.02)
    assert abs(net.params["W1"].mean()) < 2e-4
    assert not net.params["b1"].any() and not net.params["b2"].any()
    he = cnet.TwoLayerNet(300, 200, 50, "he", rng=5)
    assert he.params["W1"].std() == pytest.approx((2 / 300) ** 0.5, rel=0.02)
    assert he.params["W2"].std() == pytest.approx((2 / 200) ** 0.5, rel=0.02)
    xavier = cnet.TwoLayerNet(300, 200, 50, "xavier", rng=5)
    assert xavier.params["W2"].std() == pytest.approx((1 / 200) ** 0.5, rel=0.02)


def test_seeds():
    same = [cnet.TwoLayerNet(5, 4, 3, rng=np.random.default_rng(1)).params["W1"] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (cnet.TwoLayerNet(5, 4, 3, rng=1).params["W1"] != cnet.TwoLayerNet(5, 4, 3, rng=2).params["W1"]).all()
    assert (cnet.TwoLayerNet(5, 4, 3).params["W1"] != cnet.TwoLayerNet(5, 4, 3).params["W1"]).all()
    both = [cnet.TwoLayerNet(5, 4, 3, rng=1, dtype=dtype).params["W1"] for dtype in ("float32", "float64")]
    np.testing.assert_allclose(*both, rtol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_after_a_fit_the_order_of_sums_does_not_depend_on_which_rows_are_called_together(share):
    rng = np.random.default_rng(0)
    net = cnet.TwoLayerNet(200, 33, 5, 0.3, rng=0)
    x = rng.normal(0, 1, (60, 200)) * (rng.random((60, 200)) < share)
    net.fit(x.astype(np.float32), rng.integers(0, 5, 60), iterations=3)
    # Rows of which some, alone, would choose the other way.
    mixed = (rng.normal(0, 1, (40, 200)) * (rng.random((40, 200)) < np.linspace(0, 1, 40)[:, None])).astype(np.float32)
    together = net.predict(mixed)
    np.testing.assert_array_equal(together, [net.predict(row) for row in mixed])
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(together, again.predict(mixed))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("column", [0, 7, 63])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_value_that_is_not_finite_is_found_in_any_dense_row(isa, value, column, weight):
    """Where rows are not searched, a sum of the first layer tells; a weight of 0 hides nothing."""
    rng = np.random.default_rng(2)
    net = cnet.TwoLayerNet(64, 20, 5, rng=0)
    weights = np.array(net.params["W1"])
    weights[column] = weight
    net.params["W1"] = weights
    t = rng.integers(0, 5, 90)
    for zeros in (0, 0.5):
        x = rng.uniform(0.1, 1, (90, 64)) * (rng.random((90, 64)) >= zeros)
        x[41, column] = value
        for call in (lambda x=x: net.predict(x), lambda x=x: net.loss(x, t), lambda x=x: net.gradient(x, t)):
            with pytest.raises(ValueError, match="in row 41"):
                call()


def test_finite_inputs_whose_sums_overflow_are_no_error(isa):
    x = np.random.default_rng(2).uniform(1e37, 3e38, (90, 64)).astype(np.float32)
    net = cnet.TwoLayerNet(64, 20, 5, 10.0, rng=0)
    assert net.predict(x).shape == (90, 5)
