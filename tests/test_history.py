"""History and EpochInfo: compared, hashed, printed, and never changed."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest

import cnet

X = np.random.default_rng(0).normal(size=(7, 3))
T = np.arange(7) % 2


def fit(epochs=3, seed=0, **options):
    net = cnet.TwoLayerNet(3, 4, 2, rng=seed)
    return net.fit(X, T, epochs=epochs, batch_size=4, validation_data=(X, T), **options)


def make(loss=(2.0, 1.0), train_accuracy=(0.5,), validation=None, seconds=1.0, epochs=1, **more):
    return cnet.History(
        loss=np.array(loss), train_accuracy=np.array(train_accuracy), validation_loss=validation,
        validation_accuracy=validation, seconds=seconds, samples_per_second=5 / seconds, epochs=epochs,
        iterations=len(loss), iterations_per_epoch=2, **more,
    )


NAN = float("nan")


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({}, {}, True), ({"seconds": 1.0}, {"seconds": 2.0}, True), ({}, {"loss": (2.0, 1.5)}, False),
        ({}, {"loss": (2.0,)}, False), ({}, {"loss": ()}, False), ({}, {"epochs": 2}, False),
        ({"loss": (NAN, 1.0)}, {"loss": (-NAN, 1.0)}, True), ({"loss": (NAN, 1.0)}, {"loss": (1.0, NAN)}, False),
        ({"loss": (0.0, 1.0)}, {"loss": (-0.0, 1.0)}, True), ({"loss": (np.inf,)}, {"loss": (-np.inf,)}, False),
        ({"validation": np.array([1.0])}, {"validation": np.array([1.0])}, True),
        ({"validation": np.array([1.0])}, {}, False),
        ({"validation": np.array([1.0])}, {"validation": [1]}, True), ({"validation": np.array([])}, {}, False),
        ({"train_accuracy": (NAN,)}, {"train_accuracy": (NAN,)}, True),
    ],
)
def test_histories_are_compared_by_content(one, other, equal):
    one, other = make(**one), make(**other)
    assert (one == other) is (other == one) is equal and (one != other) is not equal
    assert (one in [other]) is equal and len({one, other}) == 2 - equal
    if equal:
        assert hash(one) == hash(other)


def test_histories_of_fits():
    assert fit() == fit() != fit(seed=1)
    assert fit() != fit(epochs=2) and fit() != "a history" and fit() is not None
    assert {fit(): "found"}[fit()] == "found"

    class Other(cnet.History):
        pass

    history = fit()
    values = {each.name: getattr(history, each.name) for each in dataclasses.fields(history)}
    assert Other(**values) != history and cnet.History(**values) == history


@pytest.mark.parametrize("make_one", [fit, make, lambda: pickle.loads(pickle.dumps(fit()))])
def test_nothing_of_a_history_can_be_changed(make_one):
    history = make_one()
    for each in dataclasses.fields(history):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(history, each.name, None)
        value = getattr(history, each.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[0] = 5


def test_a_history_keeps_arrays_of_its_own():
    loss = np.array([2.0, 1.0])
    history = cnet.History(loss, [1], None, None, 1.0, 1.0, 1, 2, 2)
    loss[0] = 7
    assert history.loss[0] == 2 and loss.flags.writeable
    assert history.train_accuracy.dtype == np.float64


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda history: pickle.loads(pickle.dumps(history))])
def test_copies_of_histories_are_equal(copier):
    for history in (fit(), make()):
        assert copier(history) == history and hash(copier(history)) == hash(history)


WRONG = [
    ({"loss": 5.0}, ValueError, "loss must have one dimension"),
    ({"loss": [[1.0], [2.0]]}, ValueError, "loss must have one dimension"),
    ({"loss": None}, TypeError, "loss must hold"),
    ({"loss": "abc"}, TypeError, "loss must hold"), ({"train_accuracy": {}}, TypeError, "train_accuracy must hold"),
    ({"validation_loss": [None]}, TypeError, "validation_loss must hold"),
    ({"validation_accuracy": 1}, ValueError, "validation_accuracy must have one"),
    ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
    ({"iterations": -1}, ValueError, "iterations must be from 0"),
    ({"iterations": 10**5000}, ValueError, "iterations must be from 0 .* more than 60 digits"),
    ({"iterations_per_epoch": []}, TypeError, "iterations_per_epoch must be an integer"),
    ({"seconds": "1"}, TypeError, "seconds must be a number"),
    ({"seconds": True}, TypeError, "seconds must be a number"),
    ({"samples_per_second": None}, TypeError, "samples_per_second must be a number"),
    ({"learning_rates": "abc"}, TypeError, "learning_rates must hold"),
    ({"learning_rates": [[0.1]]}, ValueError, "learning_rates must have one"),
    ({"stopped": 1}, TypeError, "stopped must be a string or None, got int"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), WRONG)
def test_a_history_is_made_of_the_right_types(wrong, error, message):
    history = fit()
    values = {each.name: getattr(history, each.name) for each in dataclasses.fields(history)}
    with pytest.raises(error, match=message):
        cnet.History(**{**values, **wrong})
    # The state in a pickle is checked as well.
    with pytest.raises(error, match=message):
        cnet.History.__new__(cnet.History).__setstate__({**values, **wrong})


def test_a_history_needs_all_of_its_state():
    state = dict(vars(fit()))
    del state["seconds"], state["loss"]
    with pytest.raises(ValueError, match="not the state of a History: loss, seconds missing"):
        cnet.History.__new__(cnet.History).__setstate__(state)


def test_a_history_as_plain_data():
    history = fit(schedule="linear", callback=lambda info: info.epoch == 2)
    plain = history.to_dict()
    assert list(plain) == [each.name for each in dataclasses.fields(history)]
    assert {type(value) for value in plain.values()} == {list, float, int, str}
    assert cnet.History(**json.loads(json.dumps(plain))) == history
    assert plain["stopped"] == "callback" and len(plain["learning_rates"]) == 2
    without = make()
    assert cnet.History(**without.to_dict()) == without and without.to_dict()["learning_rates"] is None
    assert history.loss.flags.writeable is False and plain["loss"] is not history.to_dict()["loss"]


def test_fields_with_defaults_may_be_missing_in_a_state():
    history = fit()
    state = {name: value for name, value in vars(history).items() if name not in ("learning_rates", "stopped")}
    other = cnet.History.__new__(cnet.History)
    other.__setstate__(state)
    assert other.learning_rates is None and other.stopped is None and other != history


@pytest.mark.parametrize("other", [None, 3, "History", [1.0], np.ones(3), object(), {"loss": 1}])
def test_a_comparison_never_raises(other):
    history = fit()
    assert (history == other) is False or isinstance(other, np.ndarray)
    assert (history == dataclasses.replace(history, stopped="callback")) is False
    assert (history == dataclasses.replace(history, learning_rates=None)) is False
    assert (history == dataclasses.replace(history, train_accuracy=None)) is False
    assert (history == dataclasses.replace(history, seconds=5.0, samples_per_second=1.0)) is True


def test_a_clock_that_was_set_back_breaks_no_history():
    assert make(seconds=-3.0).seconds == -3


@pytest.mark.parametrize("history", [fit(), fit(epochs=400), make(loss=()), make(train_accuracy=(), loss=())])
def test_a_history_prints_a_line(history):
    text = repr(history)
    assert text.startswith(f"History(iterations={history.iterations}, epochs={history.epochs}")
    assert "\n" not in text and len(text) < 250
    assert str(history) == text


def test_what_a_callback_is_told():
    infos, taken = [], []

    def spoil(info):
        infos.append(info)
        taken.append(info.losses.copy())
        with pytest.raises(ValueError, match="read-only"):
            info.losses[0] = 77
        info.losses.flags.writeable = True
        info.losses[:] = 77
        with pytest.raises(dataclasses.FrozenInstanceError):
            info.losses = None

    history = fit(callback=spoil)
    assert history == fit()
    np.testing.assert_array_equal(np.concatenate(taken), history.loss)
    first, second, _ = infos
    assert first == first != second and first in infos and len({*infos}) == 3
    assert first != dataclasses.replace(first)
    assert "\n" not in repr(first) and "losses" not in repr(first) and f"loss={first.loss}" in repr(first)


def test_the_history_of_a_fit_under_way_is_what_was_done():
    seen = []
    net = cnet.TwoLayerNet(3, 4, 2, rng=0)
    net.fit(X, T, epochs=3, batch_size=4, validation_data=(X, T), callback=lambda info: seen.append(net.history))
    for epoch, history in enumerate(seen, 1):
        assert history == fit(epochs=epoch)
    assert seen[-1] == net.history
