"""Bad input: an error that says what, never a crash, and nothing lost."""

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cnet
from cnet import model_file
from cnet.core import _network, _record, _trainer
from cnet.options import FitOptions

X = np.random.default_rng(0).normal(0, 1, (6, 4)).astype(np.float32)
T = np.array([0, 1, 2, 0, 1, 2])


def make_net():
    return cnet.TwoLayerNet(4, 3, 3, rng=0)


class NoArray:
    def __array__(self, *args, **kwargs):
        raise ValueError("no array here")


BAD_X = [
    (np.zeros((6, 5)), ValueError, r"\(B, 4\).*\(6, 5\)"),
    (np.zeros((6, 4, 1)), ValueError, r"\(6, 4, 1\)"),
    (np.float32(3), ValueError, r"\(\)"),
    (np.zeros((0, 4), np.float32), ValueError, "no samples"),
    (np.zeros((6, 0)), ValueError, r"\(6, 0\)"),
    (np.full((6, 4), np.nan), ValueError, "not finite.*row 0"),
    (np.where(np.arange(24).reshape(6, 4) == 17, np.inf, 1.0), ValueError, "not finite.*row 4"),
    (np.where(np.arange(24).reshape(6, 4) == 17, 1e39, 1.0), ValueError, "too large for float32.*row 4"),
    (np.array([["a"] * 4] * 6), TypeError, "real numbers"),
    (np.zeros((6, 4), complex), TypeError, "complex"),
    (np.zeros((6, 4), object), TypeError, "object"),
    (np.zeros((6, 4), "datetime64[s]"), TypeError, "datetime64"),
    (None, TypeError, "real numbers"),
    ("text", TypeError, "real numbers"),
    (object(), TypeError, "real numbers"),
    ([[1, 2, 3, 4], [1, 2]], ValueError, "array"),
    (NoArray(), ValueError, "no array here"),
    (np.ma.masked_array(np.ones((6, 4)), mask=np.eye(6, 4)), ValueError, "masked"),
    ({"a": 1}, TypeError, "real numbers"),
    (np.full((6, 4), np.longdouble("1e4000")), ValueError, "not finite.*row 0"),
]

BAD_T = [
    ([0, 1, 2, 0, 1, 3], ValueError, r"t\[5\] = 3.*0\.\.2"),
    ([0, 1, 2, 0, 1, -1], ValueError, r"t\[5\] = -1"),
    ([0, 1, 2, 0, 1, 2**40], ValueError, r"t\[5\]"),
    (np.array([0, 1, 2, 0, 1, 2**63], np.uint64), ValueError, r"t\[5\]"),
    ([0, 1, 2, 0, 1], ValueError, r"\(6,\).*\(5,\)"),
    ([[0], [1], [2], [0], [1], [2]], ValueError, "ravel"),
    ([0, 1, 2, 0, 1, 0.5], ValueError, "whole"),
    ([0, 1, 2, 0, 1, np.nan], ValueError, r"t\[5\]"),
    ([0, 1, 2, 0, 1, np.inf], ValueError, r"t\[5\]"),
    ([0, 1, 2, 0, 1, 1e300], ValueError, r"t\[5\]"),
    (np.full((6, 3), 1 / 2), ValueError, r"t\[0\].*one-hot"),
    (np.zeros((6, 3)), ValueError, "one-hot"),
    (np.ones((6, 3), int), ValueError, "one-hot"),
    (np.eye(6, 4), ValueError, r"\(6, 4\)"),
    (["a"] * 6, TypeError, "class indices"),
    (None, TypeError, "class indices"),
    (np.zeros(6, complex), TypeError, "complex"),
    ([[0, 1], [2]], ValueError, "array"),
    (np.ma.masked_array(T, mask=T == 1), ValueError, "masked"),
    (np.full(6, np.longdouble("1e4000")), ValueError, r"t\[0\] = inf"),
]


CALLS = {
    "predict": lambda net, x, t: net.predict(x),
    "loss": lambda net, x, t: net.loss(x, t),
    "accuracy": lambda net, x, t: net.accuracy(x, t),
    "gradient": lambda net, x, t: net.gradient(x, t),
    "numerical_gradient": lambda net, x, t: net.numerical_gradient(x, t),
    "fit": lambda net, x, t: net.fit(x, t, iterations=100),
    "validation": lambda net, x, t: net.fit(X, T, validation_data=(x, t)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("x", "error", "message"), BAD_X)
def test_bad_inputs(call, x, error, message):
    if "too large" in message and call == "numerical_gradient":
        pytest.skip("computed in float64, in which 1e39 is a number like others")
    net = make_net()
    before = net.params["W1"].copy()
    with pytest.raises(error, match=message):
        CALLS[call](net, x, T)
    np.testing.assert_array_equal(net.params["W1"], before)


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"predict"}))
@pytest.mark.parametrize(("t", "error", "message"), BAD_T)
def test_bad_targets(call, t, error, message):
    net = make_net()
    before = net.params["W1"].copy()
    with pytest.raises(error, match=message):
        CALLS[call](net, X, t)
    np.testing.assert_array_equal(net.params["W1"], before)


@pytest.mark.parametrize("t", [[1], [[0, 1, 0]], [0, 1], 3, 0.5, None])
def test_bad_targets_of_a_single_sample(t):
    with pytest.raises((TypeError, ValueError)):
        make_net().loss(X[0], t)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 3, 3), {}, ValueError, "input_size"), ((4, 0, 3), {}, ValueError, "hidden_size"),
        ((4, 3, 0), {}, ValueError, "output_size"), ((-4, 3, 3), {}, ValueError, "-4"),
        ((4.0, 3, 3), {}, TypeError, "4.0"), (("4", 3, 3), {}, TypeError, "input_size"),
        ((True, 3, 3), {}, TypeError, "input_size"), ((4, 3, None), {}, TypeError, "output_size"),
        ((2**40, 3, 3), {}, ValueError, "input_size"),
        ((4, 3, 3, -0.1), {}, ValueError, "weight_init_std"), ((4, 3, 3, np.nan), {}, ValueError, "weight_init_std"),
        ((4, 3, 3, np.inf), {}, ValueError, "weight_init_std"),
        ((4, 3, 3, "normal"), {}, ValueError, "weight_init_std"),
        ((4, 3, 3, None), {}, TypeError, "weight_init_std"), ((4, 3, 3, 1e300), {}, ValueError, "float32"),
        ((4, 3, 3), {"activation": "softmax"}, ValueError, "activation"),
        ((4, 3, 3), {"activation": None}, TypeError, "activation"),
        ((4, 3, 3), {"dtype": np.float16}, ValueError, "dtype"), ((4, 3, 3), {"dtype": int}, ValueError, "dtype"),
        ((4, 3, 3), {"dtype": "nonsense"}, TypeError, "dtype"), ((4, 3, 3), {"dtype": None}, ValueError, "dtype"),
        ((4, 3, 3), {"rng": -1}, ValueError, "rng"), ((4, 3, 3), {"rng": 1.5}, TypeError, "rng"),
        ((4, 3, 3), {"rng": "seed"}, TypeError, "rng"), ((4, 3, 3), {"rng": True}, TypeError, "rng"),
        ((4, 3, 3), {"rng": np.random.RandomState(0)}, TypeError, "rng"),
    ],
)
def test_bad_networks(arguments, options, error, message):
    with pytest.raises(error, match=message):
        cnet.TwoLayerNet(*arguments, **options)


def test_networks_larger_than_memory():
    with pytest.raises((MemoryError, ValueError)):
        cnet.TwoLayerNet(2**31 - 1, 2**31 - 1, 2**31 - 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"iterations": 5, "epochs": 1}, ValueError, "not both"), ({"iterations": 0}, ValueError, "iterations"),
        ({"iterations": -1}, ValueError, "iterations"), ({"iterations": 2.5}, TypeError, "iterations"),
        ({"epochs": 0}, ValueError, "epochs"), ({"epochs": "1"}, TypeError, "epochs"),
        ({"batch_size": 0}, ValueError, "batch_size"), ({"batch_size": -5}, ValueError, "batch_size"),
        ({"batch_size": 1.5}, TypeError, "batch_size"), ({"batch_size": None}, TypeError, "batch_size"),
        ({"batch_size": 7, "sampling": "shuffle"}, ValueError, "7 .* 6 samples"),
        ({"learning_rate": 0}, ValueError, "learning_rate"), ({"learning_rate": -0.1}, ValueError, "learning_rate"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"), ({"learning_rate": [0.1]}, TypeError, "learning_rate"),
        ({"learning_rate": 10**400}, ValueError, "learning_rate"),
        ({"learning_rate": bytearray(b"1")}, TypeError, "learning_rate"),
        ({"learning_rate": memoryview(b"1")}, TypeError, "learning_rate"),
        ({"learning_rate": np.array("0.1")}, TypeError, "learning_rate"),
        ({"learning_rate": np.complex64(1)}, TypeError, "learning_rate"),
        ({"learning_rate": np.array([0.1])}, TypeError, "learning_rate"),
        ({"optimizer": "adamant"}, ValueError, "optimizer"), ({"optimizer": None}, TypeError, "optimizer"),
        ({"sampling": "random"}, ValueError, "sampling"), ({"gradient": "forward"}, ValueError, "gradient"),
        ({"n_threads": 0}, ValueError, "n_threads"), ({"n_threads": -1}, ValueError, "n_threads"),
        ({"n_threads": 10**9}, ValueError, "n_threads"), ({"n_threads": 1.0}, TypeError, "n_threads"),
        ({"rng": -3}, ValueError, "rng"), ({"rng": []}, TypeError, "rng"),
        ({"callback": 3}, TypeError, "callback"), ({"progress": "yes"}, TypeError, "progress"),
        ({"validation_data": X}, TypeError, "pair"), ({"validation_data": (X,)}, TypeError, "pair"),
        ({"validation_data": (X, T[:5])}, ValueError, "validation_data: t must"),
    ],
)
def test_bad_fits(options, error, message):
    net = make_net()
    with pytest.raises(error, match=message):
        net.fit(X, T, **options)
    net.fit(X, T, iterations=1)


def test_a_single_sample_is_no_data_set():
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        make_net().fit(X[0], T[0])


@pytest.mark.parametrize("x", [[[1, 2, 3, 4], [1, 2]], NoArray()])
def test_what_is_no_array_is_refused_by_name(x):
    with pytest.raises(ValueError, match="^x cannot be made into an array"):
        make_net().fit(x, T)


def test_a_fit_of_lists_is_that_of_arrays():
    nets = [make_net(), make_net()]
    nets[0].fit(X, T, epochs=2, batch_size=4)
    nets[1].fit(X.astype(float).tolist(), T.tolist(), epochs=2, batch_size=4)
    np.testing.assert_allclose(nets[0].params["W1"], nets[1].params["W1"], rtol=1e-5)


def test_parameters_that_were_never_finite_are_named_as_the_cause():
    net = make_net()
    net.params["b1"][1] = np.nan
    with pytest.raises(cnet.DivergenceError, match="likely cause is that parameters were not finite before"):
        net.fit(X, T, iterations=3)


@pytest.mark.parametrize("value", [np.ma.masked_array(np.ones((4, 3)), mask=np.eye(4, 3)), [[1, 2], [3]]])
def test_parameters_refuse_by_name(value):
    with pytest.raises(ValueError, match="^W1 "):
        make_net().params["W1"] = value


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", -1), ("seed", 2**64), ("epochs", -1), ("epochs", 2**32), ("iterations", -1), ("iterations", 2**64)],
)
def test_counters_of_a_model_file_out_of_range_are_refused(tmp_path, name, value):
    make_net().save(tmp_path / "net")
    tensors, metadata = model_file.read_model(tmp_path / "net")
    model_file.write_model(tmp_path / "net", tensors, {**metadata, name: str(value)})
    with pytest.raises(ValueError, match=f"{name} must be from 0 to"):
        cnet.load(tmp_path / "net")


def test_a_batch_may_be_larger_than_the_data_when_drawn_with_replacement():
    assert make_net().fit(X, T, batch_size=50, iterations=3).iterations == 3


@pytest.mark.parametrize("h", [0, -1e-4, np.nan, np.inf, "h", None, 1j])
def test_bad_steps(h):
    with pytest.raises((TypeError, ValueError), match="h must"):
        make_net().numerical_gradient(X, T, h=h)


def test_the_core_refuses_what_its_own_callers_never_pass():
    net = make_net()._core
    options = FitOptions(batch_size=2, sampling="replacement", n_threads=1)
    with pytest.raises(TypeError):
        _trainer.Trainer(None, X, T, None, options, key=0, first_epoch=0, iterations=1)
    with pytest.raises(ValueError, match="layers"):
        _network.Network((4,), "relu", np.float32)
    trainer = _trainer.Trainer(net, X, T, None, options, key=0, first_epoch=0, iterations=1)
    record = _record.Record(False, 0.0)
    with pytest.raises((TypeError, ValueError)):
        trainer.advance(record, np.zeros(1, np.float32))
    with pytest.raises(TypeError):
        trainer.advance(None, np.zeros(1))
    with pytest.raises(TypeError):
        trainer.advance(record, None)
    for rates in (np.zeros(0), np.zeros(2)):
        with pytest.raises(ValueError, match="the rates of 1 to 1 iterations"):
            trainer.advance(record, rates)
    assert trainer.advance(record, np.zeros(1))
    with pytest.raises(ValueError, match="this fit's record"):
        trainer.advance(_record.Record(False, 0.0), np.zeros(1))


NUMBERS = npst.arrays(
    st.sampled_from(["u1", "i1", "i2", "u4", "i8", "f2", "f4", "f8", "?", "c8", "U2", "O", "m8[s]", ">f4", ">f8", "g"]),
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
)
ANYTHING = st.one_of(
    NUMBERS, st.none(), st.text(max_size=3), st.floats(), st.integers(), st.lists(st.floats(), max_size=5)
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(x=ANYTHING, t=ANYTHING)
def test_whatever_is_passed_gives_an_answer_or_an_error(x, t):
    net = make_net()
    for call in CALLS.values():
        try:
            call(net, x, t)
        except (TypeError, ValueError, cnet.DivergenceError):
            pass
        assert all(np.isfinite(array).all() for array in net.params.values())


@settings(max_examples=200, deadline=None)
@given(
    x=npst.arrays(st.sampled_from(["u1", "f4", "f8"]), (5, 4)), t=npst.arrays("i8", 5),
    batch_size=st.integers(-1, 9), iterations=st.integers(-1, 5), rate=st.floats(), shuffle=st.booleans(),
)
def test_fits_of_anything_keep_finite_parameters(x, t, batch_size, iterations, rate, shuffle):
    net = make_net()
    try:
        net.fit(x, t % 3, batch_size=batch_size, iterations=iterations, learning_rate=rate,
                sampling="shuffle" if shuffle else "replacement")
    except (TypeError, ValueError, cnet.DivergenceError):
        pass
    assert all(np.isfinite(array).all() for array in net.params.values())


def test_the_interpreter_ends_quietly():
    """While workers are parked."""
    program = """
import numpy as np, cnet
net = cnet.TwoLayerNet(30, 20, 5, rng=0)
net.fit(np.ones((50, 30), np.float32), np.zeros(50, int), iterations=20, n_threads=4)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class OwnError(ValueError):
    """With a constructor of its own."""

    def __init__(self, code, *, where):
        super().__init__(f"{code} in {where}")
        self.code = code


class Lazy:
    """Data that are read when they are needed, and cannot be."""

    shape, ndim = (10, 4), 2

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 10

    def __array__(self, dtype=None, copy=None):
        raise self.error


@pytest.mark.parametrize("error", [OwnError(7, where="here"), UnicodeDecodeError("ascii", b"\xff", 0, 1, "no")])
@pytest.mark.parametrize("argument", ["validation x", "validation t", "x", "t", "params"])
def test_an_error_of_its_own_class_stays_what_it_is(argument, error):
    net, lazy = make_net(), Lazy(error)
    call = {
        "validation x": lambda: net.fit(X, T, validation_data=(lazy, T)),
        "validation t": lambda: net.fit(X, T, validation_data=(X, lazy)),
        "x": lambda: net.fit(lazy, T), "t": lambda: net.fit(X, lazy), "params": lambda: net.params.update(b1=lazy),
    }[argument]
    error.__notes__ = []
    with pytest.raises(type(error)) as caught:
        call()
    assert caught.value is error
    name = "b1" if argument == "params" else argument.replace("validation x", "validation_data").split(" ")[0]
    assert any(note.startswith(name) for note in error.__notes__)


@pytest.mark.parametrize("error", [ValueError("broken"), TypeError("broken")])
def test_plain_errors_say_what_they_are_about(error):
    with pytest.raises(type(error), match="validation_data: x cannot be made into an array: broken"):
        make_net().fit(X, T, validation_data=(Lazy(error), T))


def test_parameters_that_a_callback_made_infinite_are_named_as_the_cause():
    net = make_net()

    def spoil(info):
        if info.epoch == 2:
            net.params["W2"][0, 0] = np.inf
            net.params["b1"][0] = np.nan

    with pytest.raises(cnet.DivergenceError, match="not finite before training went on: b1, W2 held NaN") as caught:
        net.fit(X, T, epochs=4, batch_size=5, callback=spoil)
    assert "all finite" not in str(caught.value) and "learning" not in str(caught.value)
    assert np.isinf(net.params["W2"][0, 0]) and caught.value.history.epochs == 3


@pytest.mark.parametrize("kind", ["none", "closed", "open"])
def test_progress_without_a_standard_error(kind, monkeypatch):
    """As in programs with windows only."""
    stream = None if kind == "none" else io.StringIO()
    if kind == "closed":
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert make_net().fit(X, T, epochs=3, progress=True).epochs == 3
