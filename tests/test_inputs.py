"""Every array that NumPy can hold gives the bits of its aligned native copy, or an error that says what to pass."""

import random
import warnings

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core import _arrays, _functions

DTYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "g"]
FLOATS = ["f2", "f4", "f8", "g"]


class Subclass(np.ndarray):
    """One whose own results would be of another shape, if anybody asked it."""

    def astype(self, *args, **kwargs):
        raise AssertionError("a subclass's own method was called")


def unaligned(a, folder):
    return np.frombuffer(b"\1" + a.tobytes(), a.dtype, offset=1).reshape(a.shape)


def swapped(a, folder):
    return a.astype(a.dtype.newbyteorder())


def reversed_(a, folder):
    flipped = tuple(slice(None, None, -1) for _ in a.shape)
    return np.ascontiguousarray(a[flipped])[flipped]


def strided(a, folder):
    wide = np.zeros([2 * size for size in a.shape], a.dtype)
    wide[tuple(slice(None, None, 2) for _ in a.shape)] = a
    return wide[tuple(slice(None, None, 2) for _ in a.shape)]


def field(a, folder):
    records = np.zeros(a.shape, [("before", "u1"), ("value", a.dtype)])
    records["value"] = a
    return records["value"]


def field_of_rows(a, folder):
    records = np.zeros(len(a), [("before", "u1"), ("row", a.dtype, a.shape[1:])])
    records["row"] = a
    return records["row"]


def recarray(a, folder):
    """A field that is called mask is no mask."""
    records = np.zeros(a.shape, [("value", a.dtype), ("mask", "u1")]).view(np.recarray)
    records["value"] = a
    records["mask"] = 1
    return records.value


def read_only(a, folder):
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def memory_map(a, folder):
    (folder / "data").write_bytes(b"\1" + a.tobytes())
    return np.memmap(folder / "data", a.dtype, "r", offset=1, shape=a.shape)


MADE = {
    "unaligned": unaligned,
    "swapped": swapped,
    "unaligned and swapped": lambda a, folder: unaligned(swapped(a, folder), folder),
    "reversed": reversed_,
    "unaligned and reversed": lambda a, folder: unaligned(a, folder)[::-1],
    "strided": strided,
    "Fortran's order": lambda a, folder: np.asfortranarray(a),
    "one row for all": lambda a, folder: np.broadcast_to(a[0], a.shape),
    "one value for all": lambda a, folder: np.broadcast_to(a.reshape(-1)[0], a.shape),
    "field of packed records": field,
    "rows of packed records": field_of_rows,
    "recarray": recarray,
    "subclass": lambda a, folder: a.view(Subclass),
    "unaligned subclass": lambda a, folder: unaligned(a, folder).view(Subclass),
    "masked array without masked values": lambda a, folder: np.ma.masked_array(a, mask=False),
    "read-only": read_only,
    "unaligned memory map": memory_map,
}


def native_copy(a):
    """Plain, aligned, C-contiguous, native and of the same type, whatever `a` is."""
    copy = np.empty(a.shape, a.dtype.newbyteorder("="))
    copy[...] = np.asarray(a)
    return copy


def assert_same_bits(actual, expected):
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for name in expected:
            assert_same_bits(actual[name], expected[name])
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(actual, expected)
    if expected.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))


def fitted(net, x, t, **options):
    history = net.fit(x, t, iterations=3, batch_size=4, learning_rate=0.5, **options)
    return {**{name: array.copy() for name, array in net.params.items()}, "loss": history.loss}


def validated(net, x, t):
    x0, t0 = np.ones((4, 5), np.float32), np.zeros(4, int)
    with warnings.catch_warnings():
        # Some of these are of another kind than x0, which is what the warning says.
        warnings.simplefilter("ignore", cnet.CnetWarning)
        return net.fit(x0, t0, epochs=2, batch_size=4, validation_data=(x, t)).validation_loss


NETWORK_CALLS = {
    "predict": lambda net, x, t: net.predict(x),
    "predict of a row": lambda net, x, t: net.predict(x[1]),
    "loss": lambda net, x, t: net.loss(x, t),
    "accuracy": lambda net, x, t: net.accuracy(x, t),
    "gradient": lambda net, x, t: net.gradient(x, t),
    "numerical_gradient": lambda net, x, t: net.numerical_gradient(x, t),
    "fit": fitted,
    "fit, shuffled": lambda net, x, t: fitted(net, x, t, sampling="shuffle"),
    "fit, numerical": lambda net, x, t: fitted(net, x, t, gradient="numerical"),
    "validation": validated,
}

FUNCTION_CALLS = {
    "sigmoid": cnet.sigmoid, "sigmoid_grad": cnet.sigmoid_grad, "relu": cnet.relu, "relu_grad": cnet.relu_grad,
    "step_function": cnet.step_function, "softmax": cnet.softmax,
    "mean_squared_error": lambda x: cnet.mean_squared_error(x, x[::-1]),
    "cross_entropy_error": lambda x: cnet.cross_entropy_error(x, np.arange(len(x)) % 5),
    "softmax_loss": lambda x: cnet.softmax_loss(x, np.arange(len(x)) % 5),
}


def inputs(dtype):
    values = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 5, (6, 5))
    return (values / 4 if dtype in FLOATS else values).astype(dtype)


@pytest.mark.parametrize("call", NETWORK_CALLS)
@pytest.mark.parametrize("made", MADE)
def test_inputs_of_any_layout(made, call, tmp_path):
    t = np.array([0, 1, 2, 0, 1, 2])
    for dtype in DTYPES:
        x = MADE[made](inputs(dtype), tmp_path)
        for kind in (np.float32, np.float64):
            actual = NETWORK_CALLS[call](cnet.TwoLayerNet(5, 4, 3, 0.5, dtype=kind, rng=0), x, t)
            expected = NETWORK_CALLS[call](cnet.TwoLayerNet(5, 4, 3, 0.5, dtype=kind, rng=0), native_copy(x), t)
            assert_same_bits(actual, expected)


@pytest.mark.parametrize("call", sorted(set(NETWORK_CALLS) - {"predict", "predict of a row"}))
@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("one_hot", [False, True])
def test_targets_of_any_layout(made, call, one_hot, tmp_path):
    x = np.random.default_rng(1).normal(0, 1, (6, 5)).astype(np.float32)
    labels = np.array([1, 0, 2, 1, 1, 0])
    for dtype in DTYPES:
        if dtype == "?" and not one_hot:
            given = (labels > 0).astype(bool)
        else:
            given = (np.eye(3)[labels] if one_hot else labels).astype(dtype)
        if made == "one value for all" and one_hot:
            continue
        given = MADE[made](given, tmp_path)
        plain = np.argmax(native_copy(given), axis=1) if one_hot else native_copy(given).astype(int)
        actual = NETWORK_CALLS[call](cnet.TwoLayerNet(5, 4, 3, 0.5, rng=0), x, given)
        assert_same_bits(actual, NETWORK_CALLS[call](cnet.TwoLayerNet(5, 4, 3, 0.5, rng=0), x, plain))


@pytest.mark.parametrize("function", FUNCTION_CALLS)
@pytest.mark.parametrize("made", MADE)
def test_functions_of_arrays_of_any_layout(made, function, tmp_path):
    for dtype in DTYPES:
        x = MADE[made](inputs(dtype), tmp_path)
        assert_same_bits(FUNCTION_CALLS[function](x), FUNCTION_CALLS[function](native_copy(x)))


@pytest.mark.parametrize("made", MADE)
def test_losses_of_targets_of_any_layout(made, tmp_path):
    y = cnet.softmax(inputs("f4"))
    for dtype in DTYPES:
        t = MADE[made](inputs(dtype), tmp_path)
        assert_same_bits(cnet.mean_squared_error(y, t), cnet.mean_squared_error(y, native_copy(t)))
        labels = MADE[made](np.array([1, 0, 1, 1, 0, 0]).astype(dtype), tmp_path)
        assert_same_bits(cnet.cross_entropy_error(y, labels), cnet.cross_entropy_error(y, native_copy(labels)))


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("dtype", FLOATS)
def test_differentiation_of_arrays_of_any_layout(made, dtype, tmp_path):
    x = MADE[made](inputs(dtype), tmp_path)
    copy = native_copy(x)

    def f(x):
        return float(np.sum(np.ascontiguousarray(x, np.float64) ** 2))

    assert_same_bits(cnet.numerical_diff(np.square, x), cnet.numerical_diff(np.square, copy))
    descended = cnet.gradient_descent(f, x, lr=0.1, step_num=3)
    assert type(descended) is np.ndarray
    assert_same_bits(descended, cnet.gradient_descent(f, copy, lr=0.1, step_num=3))
    if x.flags.writeable:
        np.testing.assert_array_equal(cnet.numerical_gradient(f, x), cnet.numerical_gradient(f, copy))
    else:
        with pytest.raises(ValueError, match=r"read-only.*x\.copy\(\)"):
            cnet.numerical_gradient(f, x)


def test_an_unaligned_array_gives_what_the_reference_computes():
    """Right numbers, and not only the same ones."""
    plain = np.random.default_rng(2).random((6, 5)).astype(np.float32)
    net = cnet.TwoLayerNet(5, 4, 3, 0.5, rng=0)
    expected = reference.predict(dict(net.params), plain, net.activation)
    np.testing.assert_allclose(net.predict(unaligned(plain, None)), expected, rtol=1e-5)
    np.testing.assert_allclose(cnet.sigmoid(unaligned(plain, None)), 1 / (1 + np.exp(-plain)), rtol=1e-6)


@pytest.mark.parametrize("value", [np.array(2.0), np.array(2, ">i2"), np.float16(2), np.longdouble(2), np.True_])
def test_arrays_without_dimensions(value):
    assert cnet.sigmoid(value) == cnet.sigmoid(float(value))
    net = cnet.TwoLayerNet(5, 4, 3, rng=0)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 5\).*got \(\)"):
        net.predict(value)
    x = np.ones(5, np.float32)
    assert net.loss(x, value) == net.loss(x, int(value))


def test_elements_that_share_memory_are_not_moved_one_by_one():
    shared = np.lib.stride_tricks.as_strided(np.ones(3), (2, 2), (8, 8))
    for x in (shared, np.lib.stride_tricks.as_strided(np.ones(1), (4,), (0,))):
        with pytest.raises(ValueError, match=r"share memory.*x\.copy\(\)"):
            cnet.numerical_gradient(np.sum, x)
    assert cnet.numerical_gradient(np.sum, shared.copy()).round(6).tolist() == [[1, 1], [1, 1]]


def test_booleans_of_any_byte():
    """A byte of 2 is true, as NumPy has it."""
    x, t = np.array([[1, 1, 0, 0, 1]], np.uint8), np.array([[0, 1, 0]], np.uint8)
    net = cnet.TwoLayerNet(5, 4, 3, rng=0)
    assert net.loss((2 * x).view(bool), (2 * t).view(bool)) == net.loss(x.astype(bool), t)


def test_the_core_refuses_a_buffer_that_no_kernel_reads():
    x = np.ones(4, np.float32)
    for wrong in (unaligned(x, None), swapped(x, None), x.astype(np.float16), x.astype(np.longdouble), x.astype(int)):
        with pytest.raises(ValueError, match="expected an aligned array of float32 or float64"):
            _functions.apply("sigmoid", wrong, np.empty_like(x))
        with pytest.raises(ValueError, match="expected an aligned array of float32 or float64"):
            _functions.softmax_rows(wrong, np.empty_like(x), 2)


def test_the_core_reads_arrays_of_the_right_type_size_and_layout_only():
    x, out = np.ones(4, np.float32), np.empty(4, np.int64)
    labels = np.zeros(2, np.int32)
    fixed = out.copy()
    fixed.flags.writeable = False
    for call, error in (
        (lambda: _functions.step(x.tolist(), out), TypeError),
        (lambda: _functions.step(memoryview(x), out), TypeError),
        (lambda: _functions.step(x, out.astype(np.int32)), ValueError),
        (lambda: _functions.step(x, out.view(np.uint64)), ValueError),
        (lambda: _functions.step(x, out[:3]), ValueError),
        (lambda: _functions.step(x[::2], out[:2]), ValueError),
        (lambda: _functions.step(x, fixed), ValueError),
        (lambda: _functions.half_squared_error(x, x.astype(np.float64)), ValueError),
        (lambda: _functions.half_squared_error(x, x[:3]), ValueError),
        (lambda: _functions.cross_entropy(x, labels, 0.0), ValueError),
        (lambda: _functions.cross_entropy(x.reshape(2, 2), labels.astype(np.int64), 0.0), ValueError),
        (lambda: _functions.cross_entropy(x.reshape(2, 2), labels[:1], 0.0), ValueError),
    ):
        with pytest.raises(error):
            call()
    _functions.step(x, out)
    assert out.tolist() == [1, 1, 1, 1]
    assert _functions.half_squared_error(x, 0 * x) == 2
    assert _functions.cross_entropy(x.reshape(2, 2) / 2, labels, 0.0) == pytest.approx(2 * np.log(2))


class Lazy:
    """An array that is read when it is asked for, as those of h5py and dask are."""

    def __init__(self, values):
        self.values, self.reads = values, 0

    def __array__(self, dtype=None, copy=None):
        self.reads += 1
        return np.array(self.values, dtype)


def test_lazy_arrays_are_read_once():
    x, t = np.random.default_rng(3).normal(0, 1, (12, 5)), np.arange(12) % 3
    lazy, histories = [Lazy(array) for array in (x, t, x, t)], []
    for given in (lazy, [x, t, x, t], [x.tolist(), t.tolist(), x.tolist(), t.tolist()]):
        net = cnet.TwoLayerNet(5, 4, 3, rng=0)
        histories.append(net.fit(given[0], given[1], epochs=7, batch_size=4, validation_data=tuple(given[2:])))
    assert [one.reads for one in lazy] == [1, 1, 1, 1]
    for history in histories[1:]:
        np.testing.assert_array_equal(history.validation_loss, histories[0].validation_loss)
        np.testing.assert_array_equal(history.loss, histories[0].loss)


# ---- numpy.seterr ----

def test_no_setting_of_numpy_makes_a_cast_raise():
    tiny, net = np.longdouble(1e-4000), cnet.TwoLayerNet(5, 4, 3, rng=0)
    x = np.array([[tiny, 0, 1, 0.5, 0.25]] * 4)
    expected = net.predict(x.astype(np.float64)), cnet.sigmoid(x.astype(np.float64))
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(net.predict(x), expected[0])
        np.testing.assert_array_equal(cnet.sigmoid(x), expected[1])
        with pytest.raises(ValueError, match="not finite"):
            net.predict(x * np.longdouble("1e4000") * 10)
        assert net.loss(x, np.zeros(4, np.longdouble)) == net.loss(x, np.zeros(4, int))
        flat = cnet.numerical_gradient(lambda x: 1e-300 * float(x[0]), np.zeros(1, np.float32))
        assert flat.tolist() == [0]
        assert cnet.gradient_descent(lambda x: 1e-300 * float(x[0]), np.zeros(1, np.float32), step_num=2) == 0


def test_no_setting_of_numpy_makes_training_raise():
    """Underflow is no error: tiny weights, rates and derivatives, and scores far apart."""
    x, t = np.random.default_rng(4).normal(0, 1, (40, 5)), np.arange(40) % 3
    for dtype in (np.float32, np.float64):
        with np.errstate(all="raise"):
            for std, rate in ((1e-300, 1e-300), (5e-324, 0.1), (300.0, 1e-30)):
                net = cnet.TwoLayerNet(5, 4, 3, std, dtype=dtype, rng=0)
                net.fit(x, t, epochs=2, learning_rate=rate, validation_data=(x, t))
                net.fit(x, t, iterations=1, batch_size=2, learning_rate=rate, gradient="numerical")
                net.params["b1"] = np.full(4, 1e-310)
                net.numerical_gradient(x[:2], t[:2])
                params = net.params.copy()
                probabilities = reference.predict(params, x, net.activation)
                np.testing.assert_allclose(net.predict(x), probabilities, rtol=1e-4, atol=1e-30)
                reference.gradient(params, x, t, net.activation)
                reference.fit(params, x, t, net.activation, iterations=2, batch_size=4, learning_rate=rate,
                              sampling="shuffle", key=0)
            net.fit(x, t, iterations=3, learning_rate=cnet.optimizers.LinearRamp(1e-310, warmup=5e-324))
    with np.errstate(all="raise"), pytest.raises(ValueError, match="weight_init_std.*too large|too large for float64"):
        cnet.TwoLayerNet(5, 4, 3, 1.7e308, dtype=np.float64, rng=0)


# ---- hints ----

class Sparse:
    """What a sparse matrix of SciPy looks like, where SciPy is not installed."""

    nnz = 3

    def toarray(self):
        return np.eye(5)


class Series:
    """What pandas' objects look like."""

    iloc = None

    def __init__(self, values, dtype=object):
        self.values = np.array(values, dtype)
        self.columns = [f"c{j}" for j in range(self.values.shape[-1])]

    def __array__(self, dtype=None, copy=None):
        return self.values

    def to_numpy(self, dtype):
        return self.values.astype(dtype)


class NAType:
    def __repr__(self):
        return "<NA>"


class OnACard:
    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


ROW = [1.5, True, 2, 0, 0]
X_HINTS = [
    (Sparse(), r"sparse matrix \(Sparse\): pass x\.toarray\(\)"),
    (Series([ROW, ROW]), r"real numbers, got dtype object: pass x\.to_numpy\(float\)"),
    (Series([ROW, [1, 2, "red", 0, 0]]), r"x\[1, 2\] \(column 'c2'\) is 'red' \(str\)$"),
    (Series([ROW, [1, NAType(), 3, 0, 0]]), r"x\[1, 1\] \(column 'c1'\) is missing \(<NA>\); fill or drop.*to_numpy"),
    (np.array([ROW, ROW], object), r"x\.astype\(float\)"),
    ([[1, 2, 3, None, 4]], r"x\[0, 3\] is missing \(None\).*np\.asarray\(x, dtype=float\)"),
    (np.array([["1", "2", "3.5", "0", "0"]]), r"strings \(dtype <U3\): pass x\.astype\(float\)"),
    ([["a", "b", "c", "d", "e"]], r"strings \(dtype <U1\)$"),
    (np.zeros(3, "f4,f4"), "fields f0, f1.*structured_to_unstructured"),
    ({1: 2}, "got dict"), (None, "got NoneType"), (OnACard(), "x cannot be made into an array: can't convert cuda"),
]


@pytest.mark.parametrize(("x", "message"), X_HINTS, ids=[message for _, message in X_HINTS])
def test_inputs_that_are_no_numbers(x, message):
    net = cnet.TwoLayerNet(5, 4, 3, rng=0)
    for call in (net.predict, cnet.sigmoid, lambda x: net.fit(x, [0, 1])):
        with pytest.raises(TypeError, match=message):
            call(x)


def test_an_array_of_arrays():
    pair = np.empty(2, object)
    pair[:] = [np.ones(5), np.ones(5)]
    with pytest.raises(TypeError, match=r"x\[0\] is a sequence of its own; pass np\.stack\(x\)"):
        cnet.TwoLayerNet(5, 4, 3, rng=0).predict(pair)


SHAPE_HINTS = [
    ((5, 28, 28), r"x\.reshape\(len\(x\), -1\)$"), ((5, 1, 28, 28), r"x\.reshape\(len\(x\), -1\)$"),
    ((28, 28), r"x\.reshape\(-1\)$"), ((28, 28, 1), r"x\.reshape\(-1\)$"), ((784, 5), r"x\.T$"),
    ((5 * 784,), r"x\.reshape\(-1, 784\)$"), ((5, 783), r"\(5, 783\)$"), ((0, 28, 28), r"\(0, 28, 28\)$"),
]


@pytest.mark.parametrize(("shape", "message"), SHAPE_HINTS)
def test_inputs_of_another_shape(shape, message):
    net = cnet.TwoLayerNet(784, 4, 3, rng=0)
    with pytest.raises(ValueError, match=rf"x must have shape \(B, 784\).*{message}"):
        net.predict(np.zeros(shape))
    with pytest.raises(ValueError, match=r"np\.reshape\(x, \(len\(x\), -1\)\)$"):
        net.predict(np.zeros((2, 28, 28)).tolist())


UNIQUE = r"classes, t = np\.unique\(labels, return_inverse=True\)"
T_HINTS = [
    (["cat", "dog", "cat", "owl"], rf"strings \(dtype <U3\).*{UNIQUE}"), (np.array([b"a"] * 4), UNIQUE),
    (Series(["cat", "dog", "cat", "owl"]), rf"dtype object.*{UNIQUE}"),
    (np.array([0, 1, 2, 1], object), rf"dtype object.*{UNIQUE}"),
    (["a", None, "b", "c"], r"t\[1\] is missing; fill or drop"), (Sparse(), r"t is a sparse matrix.*t\.toarray\(\)"),
    ([1, 2, 3, 1], r"t\[2\] = 3.*labels must be 0\.\.2; these go from 1 to 3.*pass t - 1 \(subtract 1\)"),
    ([2.0, 3, 3, 2], r"from 2 to 3.*pass t - 1"), ([-1, 1, 1, -1], rf"t\[0\] = -1.*{UNIQUE}"),
    ([10, 20, 30, 10], UNIQUE), ([0, 1, 2, 3], r"0\.\.2; labels up to 3 need 4 outputs \(output_size=4\)"),
    ([0, 1, 2, 2**40], r"0\.\.2$|np\.unique"), ([0, 0.25, 1, 2], r"t\[1\] = 0\.25.*whole numbers from 0 to 2"),
    ([[0], [1], [2], [0]], r"np\.ravel\(t\)"),
]


@pytest.mark.parametrize(("t", "message"), T_HINTS, ids=[message for _, message in T_HINTS])
def test_targets_that_are_no_classes(t, message):
    x, net = np.ones((4, 5), np.float32), cnet.TwoLayerNet(5, 4, 3, rng=0)
    calls = (net.loss, net.fit, lambda x, t: cnet.softmax_loss(np.zeros((4, 3)), t))
    for call in calls:
        with pytest.raises((TypeError, ValueError), match=message):
            call(x, t)


@pytest.mark.parametrize("t", [[0, 1, 0, 1], [0.0, 0.5, 1, 0], [[0], [1], [1], [0]], [[0.5]] * 4])
def test_one_output_is_one_class(t):
    net = cnet.TwoLayerNet(5, 4, 1, rng=0)
    for call in (net.loss, net.gradient, net.fit):
        with pytest.raises(ValueError, match="for two classes use output_size=2"):
            call(np.ones((4, 5)), t)


RNG_HINTS = [
    (np.random.RandomState(0), r"got RandomState: pass np\.random\.default_rng\(rng\.randint\(2\*\*31\)\)"),
    (np.random.SeedSequence(0), r"got SeedSequence: pass np\.random\.default_rng\(rng\)"),
    (np.random.PCG64(0), r"got PCG64: pass np\.random\.Generator\(rng\)"),
    (np.random.MT19937(0), r"got MT19937: pass np\.random\.Generator\(rng\)"),
    (np.random, "got module: pass"), (random.Random(0), r"got Random: pass rng\.getrandbits\(64\)"),
    (3.0, "got 3.0: pass 3$"), ([1, 2], r"got list: pass np\.random\.default_rng\(rng\)"),
    (True, "got True$"), ("seed", "got str$"),
]


@pytest.mark.parametrize(("rng", "message"), RNG_HINTS, ids=[message for _, message in RNG_HINTS])
def test_other_sources_of_random_numbers(rng, message):
    with pytest.raises(TypeError, match=message):
        cnet.TwoLayerNet(5, 4, 3, rng=rng)
    with pytest.raises(TypeError, match=message):
        cnet.TwoLayerNet(5, 4, 3, rng=0).fit(np.ones((4, 5)), [0, 1, 2, 0], rng=rng)


def test_hints_of_random_numbers_do_what_they_say():
    for rng in (np.random.default_rng(np.random.RandomState(0).randint(2**31)),
                np.random.default_rng(np.random.SeedSequence(0)), np.random.Generator(np.random.PCG64(0)),
                random.Random(0).getrandbits(64), np.random.default_rng([1, 2])):
        cnet.TwoLayerNet(5, 4, 3, rng=rng)


def test_scipys_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    net = cnet.TwoLayerNet(5, 4, 3, rng=0)
    for make in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix, sparse.dok_matrix, sparse.lil_array):
        matrix = make(np.eye(5))
        for call in (net.predict, cnet.relu, lambda x: net.fit(x, [0, 1, 2, 0, 1])):
            with pytest.raises(TypeError, match=r"pass x\.toarray\(\)"):
                call(matrix)
        with pytest.raises(TypeError, match=r"pass t\.toarray\(\)"):
            net.loss(np.eye(5), make(np.eye(5)[:, :3]))


def test_pandas_frames():
    pd = pytest.importorskip("pandas")
    net = cnet.TwoLayerNet(3, 4, 3, rng=0)
    right = pd.DataFrame({"a": [1.5, 2], "b": [0.0, 1], "c": [1.0, 0]})
    np.testing.assert_array_equal(net.predict(right), net.predict(right.to_numpy()))
    for column in (pd.array([1, 2], "Int64"), [True, False], pd.array([True, False], "boolean"),
                   pd.Series([1, 2], dtype="category"), pd.Series([1, 2], dtype=object)):
        frame = right.assign(b=column)
        try:
            np.testing.assert_array_equal(net.predict(frame), net.predict(frame.to_numpy(float)))
        except TypeError as error:
            assert "pass x.to_numpy(float)" in str(error)
    with pytest.raises(TypeError, match=r"x\[0, 1\] \(column 'b'\) is 'red'"):
        net.predict(right.assign(b=["red", "green"]))
    with pytest.raises(TypeError, match=r"x\[1, 1\] \(column 'b'\) is missing"):
        net.predict(right.assign(b=pd.array([1, None], "Int64")))
    for labels in (pd.Series(["a", "b"]), pd.Series(["a", "b"], dtype="category")):
        with pytest.raises(TypeError, match=UNIQUE):
            net.loss(right, labels)
        classes, t = np.unique(labels, return_inverse=True)
        assert net.loss(right, t) == net.loss(right, [0, 1]) and list(classes) == ["a", "b"]


def test_native_is_the_array_itself_where_nothing_is_to_do():
    x = np.ones((3, 2), np.float32)
    assert _arrays.native(x, np.float32) is x
    assert _arrays.native(x[:, ::-1], np.float32).flags.c_contiguous
