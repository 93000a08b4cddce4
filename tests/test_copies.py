"""Copies, pickles and files: a network's class and attributes, and parts that are not those of a network."""

import copy
import io
import pickle

import numpy as np
import pytest

import cnet
from cnet import model_file
from cnet.core import _network
from cnet.history import History

X, T = np.eye(3), np.array([0, 1, 0])


class Named(cnet.TwoLayerNet):
    """With a constructor and attributes of its own."""

    def __init__(self, name, scaler=None):
        super().__init__(3, 4, 2, rng=0)
        self.name, self.scaler = name, scaler


class Slotted(cnet.TwoLayerNet):
    __slots__ = ("mark", "unset")


class Refusing(cnet.TwoLayerNet):
    def __init__(self, *args, **options):
        raise AssertionError("__init__ was called")


def by_joblib(net):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(net, file)
    file.seek(0)
    return joblib.load(file)


COPIERS = {
    "copy": copy.copy, "deepcopy": copy.deepcopy, "joblib": by_joblib,
    **{f"pickle {p}": lambda net, p=p: pickle.loads(pickle.dumps(net, p)) for p in range(2, 6)},
}


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS.keys())
def test_copies_keep_class_attributes_and_state(copier):
    net = Named("digits", scaler=np.array([1.0, 2.0]))
    net.labels, net.me = {"a": [1]}, net
    net.fit(X, T, epochs=2)
    other = copier(net)
    assert type(other) is Named and other.name == "digits" and other.labels == {"a": [1]}
    np.testing.assert_array_equal(other.scaler, net.scaler)
    assert other.params == net.params and other.history == net.history
    assert (other.seed, other.iterations, other.sizes) == (net.seed, net.iterations, net.sizes)
    # As of any object: a shallow copy shares its attributes, a deep one does not. Parameters are apart always.
    assert (other.labels is net.labels) is (copier is copy.copy)
    assert other.me is (net if copier is copy.copy else other)
    for each in (net, other):
        each.fit(X, T, epochs=1)
    assert other.params == net.params
    other.params["b1"] += 1
    assert other.params != net.params


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS.keys())
def test_slots_of_a_subclass(copier):
    net = Slotted(3, 4, 2, rng=0)
    net.mark, net.more = 5, 6
    other = copier(net)
    assert (type(other), other.mark, other.more) == (Slotted, 5, 6) and not hasattr(other, "unset")


def test_load_makes_the_class_that_it_is_called_on(tmp_path):
    net = Named("digits")
    net.fit(X, T, epochs=1)
    net.save(tmp_path / "net")
    for load, kind in ((cnet.load, cnet.TwoLayerNet), (cnet.TwoLayerNet.load, cnet.TwoLayerNet), (Named.load, Named),
                       (Refusing.load, Refusing)):
        other = load(tmp_path / "net")
        assert type(other) is kind and other.params == net.params and not hasattr(other, "name")
        assert (other.iterations, other.seed, other.history) == (net.iterations, net.seed, None)
    # The original trains on as the copy does.
    for each in (net, other):
        each.fit(X, T, epochs=1)
    assert other.params == net.params


def parts(**changes):
    rng = np.random.default_rng(0)
    tensors = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 2)), "b2": np.zeros(2)}
    whole = {"tensors": tensors, "sizes": [3, 4, 2], "activation": "tanh", "seed": 5, "epochs": 2, "iterations": 7}
    given = changes.pop("tensors", {})
    whole["tensors"] = None if given is None else {**tensors, **given}
    for name in changes.pop("without", ()):
        del whole["tensors"][name]
    return {**whole, **changes}


HUGE = 2**31 - 1
BAD_PARTS = [
    # What core's kernels would have read and written as if it were something else.
    ({"tensors": {"W1": np.zeros((3, 4), np.int8)}}, TypeError, "W1 must be float32 or float64, got int8"),
    ({"tensors": {"b2": np.zeros(2, object)}}, TypeError, "b2 must be float32 or float64"),
    ({"tensors": {"b1": np.zeros(4, np.float16)}}, TypeError, "b1 must be"),
    ({"tensors": {"b1": np.zeros(4, np.complex128)}}, TypeError, "b1 must be"),
    ({"tensors": {"b1": np.zeros(4, np.longdouble)}}, TypeError, "b1 must be"),
    ({"tensors": {"W2": np.zeros((4, 2), np.float32)}}, ValueError, "W2 is float32 but W1 is float64"),
    ({"tensors": {"W1": [[0.0] * 4] * 3}}, TypeError, "W1 must be a numpy.ndarray, got list"),
    ({"tensors": {"W1": np.zeros((4, 3))}}, ValueError, "W1 is float64.4, 3., expected the shape .3, 4."),
    ({"tensors": {"W1": np.zeros(12)}}, ValueError, "W1"), ({"tensors": {"b1": np.zeros((4, 1))}}, ValueError, "b1"),
    ({"tensors": {"b1": np.zeros(0)}}, ValueError, "b1"), ({"tensors": {"W3": np.zeros(2)}}, ValueError, "W3"),
    ({"without": ["b2"]}, ValueError, "expected the tensors W1, b1, W2, b2, got W1, W2, b1"),
    ({"tensors": None}, TypeError, "expected a mapping"),
    # Sizes that would have asked for petabytes, or overflowed.
    *[({"sizes": sizes}, ValueError, "size must be from 1 to") for sizes in
      ([3, 0, 2], [3, -4, 2], [2**31, 4, 2], [3, 2**62, 2], [3, 4, -(2**70)], (0, 0, 0))],
    *[({"sizes": sizes}, TypeError, "size must be an integer") for sizes in
      ([3, 4.0, 2], [3, "4", 2], [3, None, 2], [3, True, 2], [[3], 4, 2], [3, np.float64(4), 2])],
    *[({"sizes": sizes}, ValueError, "expected three sizes") for sizes in ([], [3, 4], [3, 4, 2, 2], [3] * 1000)],
    *[({"sizes": sizes}, TypeError, "sizes must be a list") for sizes in (None, 3, "342", {"a": 1}, b"342")],
    ({"sizes": [HUGE, HUGE, HUGE]}, ValueError, "W1"), ({"sizes": [3, 5, 2]}, ValueError, "W1"),
    ({"activation": "softmax"}, ValueError, "activation must be one of 'identity', 'sigmoid', .*, got 'softmax'"),
    ({"activation": "x" * 10**6}, ValueError, "activation must be"), ({"activation": None}, TypeError, "activation"),
    ({"activation": ["tanh"]}, TypeError, "activation must be a string"),
    ({"seed": -1}, ValueError, "seed must be from 0 to"), ({"seed": 2**64}, ValueError, "seed"),
    ({"seed": 10**5000}, ValueError, "seed"), ({"seed": 1.5}, TypeError, "seed must be an integer"),
    ({"seed": "5"}, TypeError, "seed"), ({"seed": True}, TypeError, "seed"), ({"epochs": 2**32}, ValueError, "epochs"),
    ({"epochs": []}, TypeError, "epochs"), ({"iterations": 2**64}, ValueError, "iterations"),
    ({"iterations": None}, TypeError, "iterations"), ({"history": {"loss": []}}, TypeError, "history must be"),
    ({"dtype": "float32"}, ValueError, "dtype is 'float32', but the tensors are float64"),
    ({"dtype": ["float64"]}, ValueError, "dtype"), ({"dtype": "int8"}, ValueError, "dtype"),
]


def as_state(whole):
    """The same parts as a pickle holds them."""
    state = {
        "dtype": "float64", "history": None, "trained_on": "unknown", "loss": "cross_entropy", "loss_parameter": 0.0,
        "weight_decay_lambda": 0.0, "first_layer": "auto", "optimizer_state": None, "attributes": {}, "slots": {},
        **whole,
    }
    state["params"] = state.pop("tensors")
    return state


def restored(state):
    net = cnet.TwoLayerNet.__new__(cnet.TwoLayerNet)
    net.__setstate__(state)
    return net


@pytest.mark.parametrize(("changes", "error", "message"), BAD_PARTS, ids=range(len(BAD_PARTS)))
def test_parts_that_are_not_those_of_a_network_are_refused(changes, error, message):
    with pytest.raises(error, match=message) as caught:
        cnet.TwoLayerNet._from_parts(**parts(**copy.copy(changes)))
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
    state = as_state(parts(**copy.copy(changes)))
    with pytest.raises(error, match=f"not the state of a TwoLayerNet: .*{message}"):
        restored(state)
    # A network that is there stays as it is.
    net = cnet.TwoLayerNet(3, 4, 2, rng=0)
    before = net.params.copy()
    with pytest.raises(error):
        net.__setstate__(state)
    assert net.params == before and net.iterations == 0
    net.fit(X, T, epochs=1)


def test_parts_of_a_network_make_it():
    layouts = {
        "C": lambda array: array, "Fortran": np.asfortranarray, "strided": lambda array: np.repeat(array, 2, 0)[::2],
        "swapped": lambda array: array.astype(">f8"),
        "read-only": lambda array: np.frombuffer(array.tobytes()).reshape(array.shape),
    }
    expected = parts()["tensors"]
    for layout in layouts.values():
        whole = parts(sizes=(np.int64(3), 4, 2))
        given = {name: layout(array) for name, array in whole["tensors"].items()}
        net = cnet.TwoLayerNet._from_parts(**{**whole, "tensors": given})
        assert net.params == expected and net.dtype == np.float64
        assert (net.sizes, net.activation, net.seed, net.iterations) == ((3, 4, 2), "tanh", 5, 7)
        z = np.tanh(X @ expected["W1"])
        scores = np.exp(z @ expected["W2"])
        np.testing.assert_allclose(net.predict(X), scores / scores.sum(axis=1, keepdims=True))
        assert not any(np.shares_memory(net.params[name], given[name]) for name in given)
        net.fit(X, T, epochs=1)


@pytest.mark.parametrize(
    "state", [None, [], "state", {}, {"params": {}}, {**as_state(parts()), "more": 1},
              {**as_state(parts()), "attributes": []}, {**as_state(parts()), "attributes": {"_core": 3}},
              {**as_state(parts()), "slots": {"_params": 3}}],
)
def test_states_that_are_none(state):
    with pytest.raises((TypeError, ValueError), match="state"):
        restored(state)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sizes", "[3, 4]", "three sizes"), ("sizes", "[" * 10**5, "three sizes"), ("sizes", "[3, 0, 2]", "size must"),
        ("sizes", "[3, 4, 2e9]", "size must"), ("sizes", "[3, 1" + "0" * 10**5 + ", 2]", "three sizes"),
        ("sizes", "[3, true, 2]", "size must"), ("activation", "softmax", "activation must"),
        ("seed", "5.0", "seed must"),
        ("seed", "٣", "seed must"), ("epochs", "1_0", "epochs must"), ("iterations", "1" * 10**6, "iterations must"),
        ("cnet_format", "0", "format version '0'"), ("cnet_format", "x" * 10**5, "format version"),
    ],
)
def test_files_whose_metadata_are_not_those_of_a_network(tmp_path, key, value, message):
    cnet.TwoLayerNet(3, 4, 2, rng=0).save(tmp_path / "net")
    tensors, metadata = model_file.read_model(tmp_path / "net")
    model_file.write_model(tmp_path / "other", tensors, {**metadata, key: value})
    with pytest.raises(ValueError, match=f"not a network of cnet: .*{message}") as caught:
        cnet.load(tmp_path / "other")
    assert len(str(caught.value)) < 500
    del metadata[key]
    model_file.write_model(tmp_path / "other", tensors, metadata)
    with pytest.raises(ValueError, match="not a network of cnet"):
        cnet.load(tmp_path / "other")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (((3, 4, 2), "tanh", np.int8), TypeError), (((3, 4, 2), "tanh", ">f4"), TypeError),
        (((3, 4, 2), "tanh", object), TypeError), (((3, 4, 2), "nothing", np.float32), ValueError),
        (((3, 4, 2), None, np.float32), TypeError), (([3, 4, 2], "tanh", np.float32), TypeError),
        ((None, "tanh", np.float32), TypeError), (((3,), "tanh", np.float32), ValueError),
        (((3,) * 19, "tanh", np.float32), ValueError), (((3, 0, 2), "tanh", np.float32), ValueError),
        (((3, -1, 2), "tanh", np.float32), ValueError), (((3, 2**31, 2), "tanh", np.float32), ValueError),
        (((3, 2**80, 2), "tanh", np.float32), ValueError), (((3, 4.0, 2), "tanh", np.float32), TypeError),
        (((3, True, 2), "tanh", np.float32), TypeError), (((3, np.int64(4), 2), "tanh", np.float32), TypeError),
        (((HUGE, HUGE, HUGE), "tanh", np.float64), MemoryError), ((), TypeError),
    ],
)
def test_core_makes_no_network_of_anything_else(arguments, error):
    with pytest.raises(error):
        _network.Network(*arguments)
    with pytest.raises(error):
        _network.Network.__new__(_network.Network, *arguments)


def test_a_network_of_core_is_made_once():
    core = _network.Network((3, 4, 2), "tanh", np.float64)
    weights = core.weights
    core.__init__((300, 400, 200), "tanh", np.float32)
    assert core.weights is weights and core.sizes == (3, 4, 2) and core.dtype == np.float64
    with pytest.raises(TypeError):
        pickle.dumps(core)


def test_a_history_comes_back_from_a_pickle_as_it_was():
    net = cnet.TwoLayerNet(3, 4, 2, rng=0)
    history = net.fit(X, T, epochs=2)
    other = pickle.loads(pickle.dumps(net))
    assert isinstance(other.history, History) and other.history == history
    assert not other.history.loss.flags.writeable
