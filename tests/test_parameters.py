"""The mapping of a network's parameters: as a whole, in part, and marked read-only."""

import copy

import numpy as np
import pytest

import cnet

SHAPES = {"W1": (3, 2), "b1": (2,), "W2": (2, 4), "b2": (4,)}


def make(**options):
    return cnet.TwoLayerNet(3, 2, 4, 0.5, rng=0, **options)


def values(offset):
    return {name: np.arange(offset, offset + np.prod(shape)).reshape(shape) for name, shape in SHAPES.items()}


def bits(net):
    return {name: array.tobytes() for name, array in net.params.items()}


def forward(params, x):
    """By NumPy alone."""
    z = 1 / (1 + np.exp(-(x @ params["W1"] + params["b1"])))
    scores = np.exp(z @ params["W2"] + params["b2"])
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [dict, "other network", "lists", "reversed"])
def test_assignment_as_a_whole_is_what_the_network_computes_and_saves(kind, dtype, tmp_path):
    net, x = make(dtype=dtype), np.eye(3)
    arrays, new = dict(net.params), values(-2)
    if kind == "other network":
        other = make(dtype=np.float64)
        other.params = new
        net.params = other.params
    elif kind == "lists":
        net.params = {name: array.tolist() for name, array in new.items()}
    else:
        net.params = dict(reversed(new.items())) if kind == "reversed" else new
    assert list(net.params) == list(SHAPES)
    assert all(net.params[name] is array for name, array in arrays.items())
    np.testing.assert_allclose(net.predict(x), forward(new, x), rtol=1e-5)
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(cnet.load(tmp_path / "net").predict(x), net.predict(x))
    # The values given are not the network's memory.
    new["W1"][...] = 9
    assert net.params["W1"][0, 0] == -2


BAD = [
    ({"W3": np.zeros(2)}, KeyError, "W3"), ({"b1": [1, 2, 3]}, ValueError, "b1 must have shape"),
    ({"b1": ["a", "b"]}, TypeError, "b1 must hold real numbers"), ({"b1": None}, TypeError, "b1"),
    ({"b1": [1e300, 0]}, ValueError, "b1 has a value that is too large"),
    ({"b1": np.ma.array([1, 2], mask=[True, False])}, ValueError, "b1 is a masked array"),
    ({"b1": np.array([1, "2"], object)}, TypeError, r"b1\[1\] is '2' \(str\); pass b1.astype\(float\)"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), BAD)
def test_an_assignment_changes_all_or_nothing(wrong, error, message):
    net = make()
    before = bits(net)
    with pytest.raises(error, match=message):
        net.params.update({**values(5), **wrong})
    whole_error = ValueError if error is KeyError else error
    with pytest.raises(whole_error, match=message):
        net.params = {**values(5), **wrong}
    with pytest.raises(error, match=message):
        net.params |= {"W1": values(5)["W1"], **wrong}
    assert bits(net) == before


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"W1": values(0)["W1"]}, ValueError, "b1 is missing, W2 is missing, b2 is missing"), ({}, ValueError, "W1 is"),
        (None, TypeError, "got NoneType"), ([1, 2], TypeError, "got list"),
        (list(values(0).items()), TypeError, "got list"),
        ({**values(0), 3: 4}, ValueError, "3 is not a parameter"),
    ],
)
def test_a_whole_needs_exactly_all_names(given, error, message):
    net = make()
    before = bits(net)
    with pytest.raises(error, match=message):
        net.params = given
    assert bits(net) == before


def test_update_takes_what_dicts_take():
    net, plain = make(), make().params.copy()
    for arguments, more in (
        (({"b1": [1, 2]},), {}), (([("b2", [1, 2, 3, 4])],), {"b1": [3, 4]}), ((), {"W1": values(7)["W1"]}), ((), {}),
    ):
        assert net.params.update(*arguments, **more) is None
        plain.update(*arguments, **more)
        for name, array in plain.items():
            np.testing.assert_array_equal(net.params[name], array)
    params = net.params
    net.params |= {"b1": [5, 6]}
    assert net.params is params and params["b1"].tolist() == [5, 6]
    net.params = net.params
    assert net.params is params


def test_parameters_may_be_exchanged_for_one_another():
    net = cnet.TwoLayerNet(3, 3, 3, 0.5, rng=0)
    first, second = net.params["W1"].copy(), net.params["W2"].copy()
    net.params.update(W1=net.params["W2"], W2=net.params["W1"].T)
    np.testing.assert_array_equal(net.params["W1"], second)
    np.testing.assert_array_equal(net.params["W2"], first.T)


@pytest.mark.parametrize("copier", [lambda params: params.copy(), copy.deepcopy])
def test_a_copy_is_apart_and_can_be_put_back(copier):
    net = make()
    kept, before = copier(net.params), bits(net)
    assert not any(np.shares_memory(kept[name], array) for name, array in net.params.items())
    net.fit(np.eye(3), [0, 1, 2], epochs=2)
    assert bits(net) != before
    net.params = kept
    assert bits(net) == before
    assert type(net.params.copy()) is dict


def test_names_cannot_be_removed_and_contents_are_compared():
    net, same, other = make(), make(), make()
    other.params["b2"] += 1
    with pytest.raises(TypeError, match="cannot be removed"):
        del net.params["W1"]
    assert net.params == same.params == net.params.copy() and net.params in [other.params, same.params]
    assert net.params != other.params and net.params != {} and net.params != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(net.params)


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
@pytest.mark.parametrize("names", [("W1",), ("b2",), ("b1", "W2")])
def test_fit_refuses_read_only_parameters(names, gradient):
    net = make()
    net.fit(np.eye(3), [0, 1, 2], epochs=1)
    before, history, iterations = bits(net), net.history, net.iterations
    for name in names:
        net.params[name].flags.writeable = False
    with pytest.raises(ValueError, match=f"^{', '.join(names)} of this network cannot be trained: marked read-only"):
        net.fit(np.eye(3), [0, 1, 2], epochs=1, gradient=gradient)
    for name in names:
        with pytest.raises(ValueError, match=f"{name} is read-only"):
            net.params[name] = np.zeros(SHAPES[name])
    with pytest.raises(ValueError, match="is read-only"):
        net.params = values(0)
    assert bits(net) == before and net.history is history and net.iterations == iterations
    # A copy can be trained, and so can the network when the mark is gone.
    copied = copy.deepcopy(net)
    for name in names:
        net.params[name].flags.writeable = True
    for each in (copied, net):
        each.fit(np.eye(3), [0, 1, 2], epochs=1, gradient=gradient)
    assert bits(copied) == bits(net) != before


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_a_parameter_that_a_callback_marks_is_written_to_no_more(gradient):
    net = make()
    seen = []

    def mark(info):
        seen.append(bits(net))
        net.params["W1"].flags.writeable = False

    with pytest.raises(ValueError, match="^W1 of this network"):
        net.fit(np.eye(3), [0, 1, 2], epochs=3, gradient=gradient, callback=mark)
    assert seen == [bits(net)] and net.history.epochs == 1
