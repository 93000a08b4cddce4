"""Fits that continue: to the bit, with each optimizer and option, also after copies, pickles and files."""

import copy
import pickle

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.optimizers import OPTIMIZERS

N = 60
X = np.random.default_rng(0).normal(0, 1, (N, 8))
X[np.random.default_rng(1).random(X.shape) < 0.4] = 0
T = np.arange(N) % 3

OPTIONS = {
    **{name: {"optimizer": name} for name in OPTIMIZERS},
    "averaging": {"averaging": 0.7, "optimizer": "adam"},
    "averaged SGD": {"averaging": 0.9},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1, "optimizer": "momentum"},
    "adversarial": {"adversarial": 0.1, "dropout": 0.1, "optimizer": "adam"},
    "noise": {"input_noise": 0.3, "dropout": 0.1, "optimizer": "adam"},
    "norms": {"clip_norm": 0.3, "max_norm": 0.8, "optimizer": "rmsprop"},
    "weights": {"sample_weight": np.arange(N) % 4, "class_weight": "balanced", "label_smoothing": 0.1},
    "held-out rows": {"validation_split": 0.3, "optimizer": "adamw", "averaging": 0.5},
}


def make(dtype=np.float32):
    return cnet.TwoLayerNet(8, 7, 3, 0.5, dtype=dtype, rng=5)


def bits(net):
    return b"".join(array.tobytes() for array in net.params.values())


def saved(net, folder):
    net.save(folder / "net", optimizer_state=True)
    return cnet.load(folder / "net")


COPIES = {
    "itself": lambda net, folder: net, "copy": lambda net, folder: copy.copy(net),
    "deepcopy": lambda net, folder: copy.deepcopy(net),
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)), "file": saved,
}


@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("name", OPTIONS)
def test_whole_epochs_continue_to_the_bit(name, kind, sampling, tmp_path):
    options = {"batch_size": 13, "sampling": sampling, **OPTIONS[name]}
    whole, parts = make(), make()
    history = whole.fit(X, T, epochs=5, **options)
    first = parts.fit(X, T, epochs=2, **options)
    other = COPIES[kind](parts, tmp_path)
    rest = other.fit(X, T, epochs=3, n_threads=2, **options)
    assert bits(other) == bits(whole)
    np.testing.assert_array_equal(np.concatenate([first.loss, rest.loss]), history.loss)
    # Of a copy, the original goes on alone.
    if other is not parts:
        parts.fit(X, T, epochs=3, **options)
        assert bits(parts) == bits(whole)


@pytest.mark.parametrize("then", [{"averaging": 0.6}, {}, {"optimizer": "momentum"}])
def test_a_fit_after_an_averaged_one_goes_on_from_what_is_not_averaged(then):
    net = make(np.float64)
    params, state = net.params.copy(), {}
    common = {"iterations": 10, "batch_size": 12}

    def train(options, first_epoch, state):
        reference.fit(params, X, T, "sigmoid", key=net.seed, first_epoch=first_epoch, learning_rate=0.1,
                      sampling="replacement", state=state, **{"optimizer": "sgd", **options}, **common)
        net.fit(X, T, **options, **common)
        for name, array in params.items():
            np.testing.assert_allclose(net.params[name], array, rtol=1e-11, atol=1e-13)

    train({"averaging": 0.8}, 0, state)
    averaged = net.params.copy()
    # Another optimizer's state begins at 0; the parameters go on.
    train(then, 2, state if "optimizer" not in then else {"params": state["params"]})
    assert (net.params["W1"] != averaged["W1"]).all()


@pytest.mark.parametrize("change", ["item", "element", "all", "reset"])
def test_changed_parameters_are_where_the_next_fit_begins(change):
    net = make(np.float64)
    net.fit(X, T, epochs=3, averaging=0.9)
    if change == "item":
        net.params["b2"] = [1, 2, 3]
    elif change == "element":
        net.params["W1"][2, 3] += 1e-12
    elif change == "all":
        net.params = {name: array * 2 for name, array in net.params.items()}
    else:
        net.reset_optimizer()
    assert net._core.optimizer_state is None or net._core.optimizer_state.raw_of(net._core) is None
    params = net.params.copy()
    reference.fit(params, X, T, "sigmoid", key=net.seed, first_epoch=3, learning_rate=0.1, iterations=4, batch_size=9,
                  sampling="shuffle", averaging=0.5)
    net.fit(X, T, iterations=4, batch_size=9, sampling="shuffle", averaging=0.5)
    for name, array in params.items():
        np.testing.assert_allclose(net.params[name], array, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_another_kind_of_optimizer_begins_anew(gradient):
    net = make()
    net.fit(X, T, epochs=1, optimizer="adam")
    assert net._core.optimizer_state.name == "adam"
    net.fit(X, T, iterations=3, gradient=gradient)
    assert net._core.optimizer_state.name == "sgd" and net._core.optimizer_state.steps == 3
    fresh = make()
    fresh.params = net.params
    for one in (net, fresh):
        one.fit(X, T, epochs=1, optimizer="adam", rng=9)
    assert bits(net) == bits(fresh)


def test_a_numerical_fit_goes_on_from_what_is_not_averaged():
    nets = [make(np.float64), make(np.float64)]
    for net, gradient in zip(nets, ("numerical", "backprop"), strict=True):
        net.fit(X, T, epochs=1, averaging=0.9)
        net.fit(X, T, iterations=3, gradient=gradient)
    for name, array in nets[0].params.items():
        np.testing.assert_allclose(array, nets[1].params[name], rtol=1e-5, atol=1e-7)


def test_rng_of_a_fit_keeps_the_state():
    nets = [make(), make()]
    for net in nets:
        net.fit(X, T, epochs=1, optimizer="adam")
    nets[1].reset_optimizer()
    for net in nets:
        net.fit(X, T, epochs=1, optimizer="adam", rng=4)
    assert bits(nets[0]) != bits(nets[1])
    assert [net._core.optimizer_state.steps for net in nets] == [2, 1]


def test_a_fit_that_fails_leaves_the_state():
    net = make()
    net.fit(X, T, epochs=2, optimizer="adam", averaging=0.5)
    state, before = net._core.optimizer_state, bits(net)
    kept = state.copy()
    with pytest.raises(cnet.DivergenceError):
        net.fit(X, T, epochs=1, optimizer="adam", averaging=0.5, learning_rate=1e300)
    assert net._core.optimizer_state is state and bits(net) == before and state.steps == kept.steps
    pairs = ((state.raw, kept.raw), (state.average, kept.average), *zip(state.arrays, kept.arrays, strict=True))
    for one, other in pairs:
        for arrays, others in zip(one, other, strict=True):
            for array, another in zip(arrays, others, strict=True):
                np.testing.assert_array_equal(array, another)


def test_files_without_the_state_hold_the_averages(tmp_path):
    net = make()
    net.fit(X, T, epochs=2, averaging=0.5)
    net.save(tmp_path / "net")
    other = cnet.load(tmp_path / "net")
    assert bits(other) == bits(net) and other._core.optimizer_state is None
    # Parameters that were changed belong to no raw ones.
    net.params["b1"] += 1
    net.save(tmp_path / "net", optimizer_state=True)
    state = cnet.load(tmp_path / "net")._core.optimizer_state
    assert state is None or state.raw is None
