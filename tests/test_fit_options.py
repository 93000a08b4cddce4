"""The options of fit: against the reference, at any number of threads, continued to the bit, and refused by name."""

import copy
import math

import numpy as np
import pytest

import cnet
from cnet import optimizers, reference, schedules
from cnet.optimizers import LinearRamp
from cnet.rates import Rates
from cnet.rng import as_key
from cnet.schedule_base import CHUNK

N_IN, N_HIDDEN, N_OUT, N = 20, 9, 4, 90


def problem(kind="uint8", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (N, N_IN), dtype=np.uint8) if kind == "uint8" else rng.normal(0, 1, (N, N_IN))
    x[rng.random(x.shape) < 0.5] = 0
    return x, (x.astype(float) @ rng.normal(0, 1, (N_IN, N_OUT))).argmax(axis=1)


def make(first_layer="auto", dtype=np.float64, activation="tanh"):
    net = cnet.TwoLayerNet(N_IN, N_HIDDEN, N_OUT, 0.3, activation=activation, dtype=dtype, rng=3)
    net._core.first_layer = first_layer
    return net


X, T = problem()
WEIGHTS = np.random.default_rng(7).integers(0, 4, N) / 2
FEW = np.where(np.random.default_rng(8).random(N) < 0.1, 1.0, 0.0)

# Options of fit, and what the reference calls them where that is something else.
OPTIONS = {
    "sample_weight": ({"sample_weight": WEIGHTS}, {}),
    "batches without weight": ({"sample_weight": FEW, "optimizer": "adam"}, {}),
    "class_weight": ({"class_weight": {0: 3, 2: 0.5}}, {"sample_weight": np.array([3, 1, 0.5, 1])[T]}),
    "both weights": (
        {"sample_weight": WEIGHTS, "class_weight": {1: 0}}, {"sample_weight": WEIGHTS * np.array([1, 0, 1, 1])[T]}
    ),
    "balanced": (
        {"class_weight": "balanced"}, {"sample_weight": N / (4 * np.bincount(T)[T])}
    ),
    "dropout": ({"dropout": 0.4}, {}),
    "dropout of each layer": ({"dropout": [0.25], "optimizer": "momentum"}, {}),
    "input_dropout": ({"input_dropout": 0.3}, {}),
    "adversarial": ({"adversarial": 0.1, "optimizer": "adam"}, {}),
    "input_noise": ({"input_noise": 0.3, "optimizer": "adam"}, {}),
    "both dropouts": ({"input_dropout": 0.2, "dropout": 0.5, "optimizer": "adam"}, {}),
    "label_smoothing": ({"label_smoothing": 0.2}, {}),
    "clip_norm": ({"clip_norm": 0.1}, {}),
    "max_norm": ({"max_norm": 0.8}, {}),
    "averaging": ({"averaging": 0.9}, {}),
    "schedule": ({"schedule": "cosine", "learning_rate": 0.4}, {"learning_rate": 0.4 * schedules.Cosine().factors(24)}),
    "function": (
        {"schedule": lambda i, total: 1 / (1 + i), "optimizer": "nesterov"}, {"learning_rate": 0.1 / np.arange(1, 25)}
    ),
    "ramp": ({"learning_rate": LinearRamp(0.3, 0.5)}, {"learning_rate": LinearRamp(0.3, 0.5).rates(24)}),
    "all": (
        {"sample_weight": WEIGHTS, "dropout": 0.3, "input_dropout": 0.1, "label_smoothing": 0.1, "clip_norm": 0.3,
         "max_norm": 0.9, "averaging": 0.8, "optimizer": "adamw", "schedule": "one-cycle"},
        {"learning_rate": 0.001 * schedules.OneCycle().factors(24)},
    ),
}
HERS = ("sample_weight", "dropout", "input_dropout", "input_noise", "adversarial", "label_smoothing", "clip_norm",
        "max_norm", "averaging")


def expected(options, more, **common):
    """Losses and parameters of the reference."""
    net = make()
    optimizer = optimizers.as_optimizer(options.get("optimizer", "sgd"))
    own = {name: options[name] for name in HERS if name in options}
    own |= {"learning_rate": optimizer.default_lr} | more
    params = {name: array.copy() for name, array in net.params.items()}
    losses = reference.fit(
        params, X, T, "tanh", key=net.seed, optimizer=optimizer.name, hyper=optimizer.hyper(), **own, **common
    )
    return losses, params


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
@pytest.mark.parametrize("batch_size", [7, 90])
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_what_the_reference_says(name, batch_size, sampling, first_layer):
    options, more = OPTIONS[name]
    common = {"iterations": 24, "batch_size": batch_size, "sampling": sampling}
    losses, params = expected(options, more, **common)
    net = make(first_layer)
    history = net.fit(X, T, **options, **common)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-9, atol=1e-12)
    for key, array in params.items():
        np.testing.assert_allclose(net.params[key], array, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_bits_at_any_number_of_threads(name, first_layer):
    ends = set()
    for n_threads in (1, 2, 3):
        net = make(first_layer, np.float32, "relu")
        history = net.fit(X, T, iterations=20, batch_size=17, n_threads=n_threads, **OPTIONS[name][0])
        ends.add((bits(net), history.loss.tobytes(), history.train_accuracy.tobytes()))
    assert len(ends) == 1


def bits(net):
    return b"".join(array.tobytes() for array in net.params.values())


def test_weights_of_whole_numbers_are_repeated_rows():
    weight = np.arange(N) % 3
    repeated = np.repeat(np.arange(N), weight)
    for more in ({}, {"class_weight": "balanced"}, {"class_weight": {2: 5}}):
        one, other = make(), make()
        # One batch of all rows, each epoch in another order.
        first = one.fit(X, T, epochs=3, batch_size=N, sampling="shuffle", sample_weight=weight, **more)
        second = other.fit(X[repeated], T[repeated], epochs=3, batch_size=len(repeated), sampling="shuffle", **more)
        np.testing.assert_allclose(first.loss, second.loss, rtol=1e-12)
        np.testing.assert_allclose(first.train_accuracy, second.train_accuracy, rtol=1e-12)
        for name in one.params:
            np.testing.assert_allclose(one.params[name], other.params[name], rtol=1e-10, atol=1e-13)


def test_class_weights_take_one_hot_rows_and_other_kinds_of_numbers():
    ends = set()
    for t in (T, T.astype(np.int8), np.eye(N_OUT)[T], np.eye(N_OUT, dtype=bool)[T], T.tolist()):
        net = make()
        net.fit(X, t, iterations=5, class_weight={np.int64(0): 2, 3: np.float32(0.5)})
        ends.add(bits(net))
    assert len(ends) == 1
    # A class that is not there, or weighs nothing, is none.
    rows = T != 2
    net, other = make(), make()
    net.fit(X[rows], T[rows], iterations=5, class_weight="balanced")
    factors = rows.sum() / (3 * np.bincount(T[rows], minlength=4).clip(1))
    other.fit(X[rows], T[rows], iterations=5, sample_weight=factors[T[rows]])
    assert bits(net) == bits(other)


# ---- rates ---------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [None, "cosine", "one-cycle", "ramp", lambda i, total: (i % 7) / total])
def test_rates_come_in_pieces(schedule, monkeypatch):
    """The same as all at once; of a piece that ends in an epoch, the rest comes later."""
    total = 1000
    given = (LinearRamp(0.3, 0.1), None) if schedule == "ramp" else (0.3, schedules.as_schedule(schedule))
    if schedule == "ramp":
        whole = LinearRamp(0.3, 0.1).rates(total)
    else:
        whole = 0.3 * (np.ones(total) if schedule is None else given[1].factors(total))
    monkeypatch.setattr("cnet.rates.CHUNK", 64)
    rates, begin, pieces = Rates(*given, total), 0, []
    while begin < total:
        piece = rates.between(begin, min(total, begin + 50))
        assert 1 <= len(piece) <= 50
        pieces.append(piece.copy())
        begin += len(piece)
    assert len(pieces) > 20
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_an_epoch_longer_than_a_piece_of_its_rates(gradient, monkeypatch):
    x, t = X[:30, :3], T[:30] % 2
    ends = []
    for chunk in (CHUNK, 7):
        monkeypatch.setattr("cnet.rates.CHUNK", chunk)
        net = cnet.TwoLayerNet(3, 4, 2, rng=0)
        ends.append((net.fit(x, t, epochs=2, batch_size=1, schedule="linear", gradient=gradient), bits(net)))
    assert ends[0] == ends[1] and ends[0][0].epochs == 2
    np.testing.assert_allclose(ends[0][0].learning_rates, [0.1 * 31 / 60, 0.1 / 60])


def test_a_long_fit_has_few_rates_in_memory():
    rates = Rates(0.1, schedules.Cosine(), 10**12)
    assert len(rates.between(0, 10**12)) == len(rates.between(CHUNK, 10**12)) == CHUNK
    assert len(Rates(LinearRamp(), None, 10**12).between(0, 10**12)) == CHUNK
    seen = []
    make().fit(X, T, iterations=10**9, batch_size=5, schedule=lambda i, total: seen.append(i) or 1.0,
               callback=lambda info: info.epoch == 2)
    assert seen == list(range(CHUNK))


def test_a_schedule_counts_the_iterations_of_its_own_fit():
    net = make()
    seen = []
    for iterations in (3, 5):
        net.fit(X, T, iterations=iterations, schedule=lambda i, total: seen.append((i, total)) or 1.0)
    assert seen == [(i, 3) for i in range(3)] + [(i, 5) for i in range(5)]


def test_the_history_has_the_rate_of_each_epochs_last_iteration():
    net = make()
    history = net.fit(X, T, iterations=8, batch_size=30, schedule="linear", learning_rate=0.8)
    np.testing.assert_allclose(history.learning_rates, [0.6, 0.3, 0.1])
    assert net.fit(X, T, epochs=2, optimizer="adam").learning_rates.tolist() == [0.001, 0.001]


def test_a_divergence_tells_the_rate_that_the_schedule_made():
    with pytest.raises(cnet.DivergenceError, match=r"\(learning_rate = 1e\+300, which schedule makes 5e\+299 there\)"):
        make(activation="relu").fit(X, T, iterations=5, learning_rate=1e300, schedule=lambda i, total: 0.5)
    net = make(activation="relu")
    with pytest.raises(cnet.DivergenceError, match=r"too high \(learning_rate = 1e\+300\)"):
        net.fit(X, T, iterations=5, learning_rate=1e300)
    assert net.history.stopped == "divergence"


# ---- held-out rows ---------------------------------------------------------------------


def test_the_rows_that_are_held_out():
    net, other = make(), make()
    order = reference.shuffle_rows(net.seed, 2**32 - 1, N)
    held, kept = np.sort(order[:18]), np.sort(order[18:])
    history = net.fit(X, T, epochs=3, batch_size=10, validation_split=0.2, sample_weight=WEIGHTS)
    assert history.iterations_per_epoch == 8
    given = other.fit(X[kept], T[kept], epochs=3, batch_size=10, validation_data=(X[held], T[held]),
                      sample_weight=WEIGHTS[kept])
    assert bits(net) == bits(other)
    np.testing.assert_array_equal(history.loss, given.loss)
    # They are measured with their weights.
    losses = np.array([net.loss(X[i], T[i]) for i in held])
    assert history.validation_loss[-1] == pytest.approx(np.average(losses, weights=WEIGHTS[held]))
    # A fit that continues holds out the same rows; one with another stream does not.
    again = net.fit(X, T.tolist(), epochs=2, validation_split=0.2).validation_loss
    given = other.fit(X[kept], T[kept], epochs=2, validation_data=(X[held], T[held])).validation_loss
    assert again.tolist() == given.tolist()
    held = reference.shuffle_rows(as_key(5), 2**32 - 1, N)[:18]
    history = net.fit(X, T, epochs=1, validation_split=0.2, rng=5)
    assert history.validation_loss[0] == pytest.approx(net.loss(X[held], T[held]))


@pytest.mark.parametrize(("share", "n", "held"), [(0.1, 90, 9), (1e-9, 90, 1), (0.999, 90, 89), (0.5, 2, 1)])
def test_at_least_one_row_is_held_out_and_one_is_left(share, n, held):
    history = make().fit(X[:n], T[:n], epochs=1, batch_size=1, validation_split=share)
    assert history.iterations == n - held and len(history.validation_loss) == 1


@pytest.mark.parametrize("row", [3, 40, 89])
@pytest.mark.parametrize("rng", [0, 1])
def test_a_wrong_sample_is_named_by_its_number_among_all(row, rng):
    x, t = X.astype(np.float32), T.copy()
    x[row], t[row] = np.nan, 4
    with pytest.raises(ValueError, match=rf"^x has a value that is not finite .* in row {row}"):
        make().fit(x, T, validation_split=0.5, rng=rng)
    with pytest.raises(ValueError, match=rf"^t\[{row}\] = 4 is not a class"):
        make().fit(X, t, validation_split=0.5, rng=rng)


# ---- what is refused --------------------------------------------------------------------

BAD = [
    ({"sample_weight": np.ones(N - 1)}, ValueError, r"sample_weight must have shape \(90,\)"),
    ({"sample_weight": np.ones((N, 1))}, ValueError, r"sample_weight must have shape \(90,\).* got \(90, 1\)"),
    ({"sample_weight": 1.0}, ValueError, "sample_weight must have shape"),
    ({"sample_weight": ["a"] * N}, TypeError, "sample_weight must hold real numbers"),
    ({"sample_weight": np.ones(N) * 1j}, TypeError, "sample_weight must hold real numbers"),
    ({"sample_weight": np.where(np.arange(N) == 5, np.nan, 1)}, ValueError, r"sample_weight\[5\] = nan"),
    ({"sample_weight": np.where(np.arange(N) == 5, np.inf, 1)}, ValueError, r"sample_weight\[5\] = inf"),
    ({"sample_weight": np.where(np.arange(N) == 5, -1, 1)}, ValueError, r"sample_weight\[5\] = -1"),
    ({"sample_weight": np.zeros(N)}, ValueError, "sample_weight is 0 for every sample"),
    ({"sample_weight": np.full(N, 1e308)}, ValueError, "sample_weight adds up to more than 1e290"),
    ({"class_weight": "even"}, ValueError, 'class_weight must be "balanced" or a dict .* got \'even\''),
    ({"class_weight": [1, 2, 3, 4]}, TypeError, 'class_weight must be "balanced" or a dict'),
    ({"class_weight": 2.0}, TypeError, 'class_weight must be "balanced" or a dict'),
    ({"class_weight": {4: 1.0}}, ValueError, "class_weight has the key 4; expected classes, from 0 to 3"),
    ({"class_weight": {"0": 1.0}}, ValueError, "class_weight has the key '0'"),
    ({"class_weight": {True: 1.0}}, ValueError, "class_weight has the key True"),
    ({"class_weight": {1: -1}}, ValueError, r"class_weight\[1\] must be finite and not negative"),
    ({"class_weight": {1: math.nan}}, ValueError, r"class_weight\[1\] must be finite"),
    ({"class_weight": {1: "2"}}, TypeError, r"class_weight\[1\] must be a number"),
    ({"class_weight": {0: 0, 1: 0, 2: 0, 3: 0}}, ValueError, "class_weight makes the weight of every sample 0"),
    ({"sample_weight": np.full(N, 5e-324)}, ValueError, "sample_weight adds up to less than 1e-290"),
    ({"class_weight": dict.fromkeys(range(4), 1e-300)}, ValueError, "class_weight makes .* weights too small"),
    ({"class_weight": {0: 1e308}}, ValueError, "class_weight makes the samples' weights too large"),
    ({"schedule": "sine"}, ValueError, "schedule must be one of"),
    ({"schedule": lambda i, total: "1"}, TypeError, "what schedule returns at iteration 0 must be a number"),
    ({"schedule": lambda i, total: -i}, ValueError, "what schedule returns at iteration 1 must be finite and not"),
    ({"schedule": lambda i, total: math.nan}, ValueError, "what schedule returns at iteration 0"),
    ({"schedule": lambda i, total: 1e308, "learning_rate": 100}, ValueError, "schedule gives the factor 1e.308 at it"),
    ({"schedule": schedules.Linear(warmup=9)}, ValueError, "warmup must be shorter than the fit, got 9 for 9"),
    ({"schedule": "linear", "learning_rate": LinearRamp()}, ValueError, "schedule or a LinearRamp"),
    ({"dropout": [0.1, 0.2]}, ValueError, "dropout must hold one share for each of 1 hidden layers, got 2"),
    ({"dropout": 1}, ValueError, "dropout must be below 1"), ({"dropout": math.nan}, ValueError, "dropout must be"),
    ({"input_dropout": "0.1"}, TypeError, "input_dropout must be a number"),
    ({"label_smoothing": -0.1}, ValueError, "label_smoothing must be"),
    ({"clip_norm": 0}, ValueError, "clip_norm must be finite and above 0"),
    ({"max_norm": math.inf}, ValueError, "max_norm must be finite"),
    ({"averaging": 1.0}, ValueError, "averaging must be below 1"), ({"averaging": True}, TypeError, "averaging must"),
    ({"validation_split": 0}, ValueError, "validation_split must be finite and above 0"),
    ({"validation_split": 2}, ValueError, "validation_split must be below 1"),
    ({"validation_split": 0.5, "sample_weight": np.arange(N) == 0}, ValueError, "sample_weight is 0 for every sample"),
    ({"validation_split": 0.5, "validation_data": (X, T)}, ValueError, "validation_data or validation_split, not both"),
    ({"early_stopping": 5}, ValueError, "EarlyStopping watches validation_loss, for which there are no data: pass"),
    ({"callback": cnet.BestParams()}, ValueError, "BestParams watches validation_loss, for which there are no data"),
    ({"gradient": "numerical", "dropout": 0.5}, ValueError, 'gradient="numerical" goes without dropout'),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_what_is_refused_changes_nothing(bad, error, message):
    net = make()
    net.fit(X, T, epochs=2, optimizer="adam", averaging=0.5)
    before, history, state = bits(net), net.history, net._core.optimizer_state
    kept = copy.copy(state.arrays)
    with pytest.raises(error, match=message):
        net.fit(X, T, **{"iterations": 9, **bad})
    assert bits(net) == before and net.history is history and net.iterations == history.iterations
    assert net._core.optimizer_state is state and state.arrays == kept


def test_class_weights_need_classes():
    shares = np.full((N, N_OUT), 0.25)
    with pytest.raises(ValueError, match="class_weight needs class indices or one-hot rows: "):
        make().fit(X, shares, class_weight="balanced")
    with pytest.raises(ValueError, match="validation_split needs at least 2 samples"):
        make().fit(X[:1], T[:1], validation_split=0.5)
    with pytest.raises(ValueError, match=r"t must hold a target for each of 90 samples, got shape \(5,\)"):
        make().fit(X, T[:5], validation_split=0.5)


# ---- other networks, and errors in the midst of a fit --------------------------------------------


@pytest.mark.parametrize("classes", [{0: 2, 1: 0.5}, "balanced"])
@pytest.mark.parametrize("form", ["row", "column"])
def test_class_weights_of_one_binary_output(form, classes):
    t = (T == 1).astype(int)
    counts = np.bincount(t)
    factors = N / (2 * counts) if classes == "balanced" else np.array([2, 0.5])
    nets = [cnet.MultiLayerNet(N_IN, [6, 5], 1, "elu", loss="binary_cross_entropy", dtype=np.float64, rng=1)
            for _ in range(2)]
    given = t if form == "row" else t[:, np.newaxis]
    common = {"iterations": 12, "batch_size": 16, "optimizer": "rmsprop"}
    nets[0].fit(X, given, class_weight=classes, **common)
    nets[1].fit(X, given, sample_weight=factors[t], **common)
    assert bits(nets[0]) == bits(nets[1])
    for bad, message in ((t * 0.5, "class_weight needs class indices or one-hot rows: .* 0.5 is not a class"),
                         (np.stack([t, t], axis=1), "class_weight needs")):
        with pytest.raises(ValueError, match=message):
            nets[0].fit(X, bad, class_weight=classes)
    with pytest.raises(ValueError, match="class_weight goes with targets that are classes.* 2 outputs .*huber"):
        cnet.MultiLayerNet(N_IN, [3], 2, loss="huber").fit(X, np.ones((N, 2)), class_weight=classes)


def test_a_deep_network_with_a_share_of_dropout_for_each_layer():
    net = cnet.MultiLayerNet(N_IN, [9, 8, 7], N_OUT, ["tanh", "relu", "silu"], weight_decay_lambda=0.01,
                             dtype=np.float64, rng=2)
    params = net.params.copy()
    common = {"iterations": 20, "batch_size": 15, "dropout": [0.1, 0, 0.5], "input_dropout": 0.2, "averaging": 0.7,
              "sampling": "shuffle", "optimizer": "adam", "clip_norm": 1.0, "sample_weight": WEIGHTS}
    losses = reference.fit(params, X, T, ["tanh", "relu", "silu"], key=net.seed, learning_rate=0.001,
                           weight_decay_lambda=0.01, **common)
    history = net.fit(X, T, **common)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-9)
    for name, array in params.items():
        np.testing.assert_allclose(net.params[name], array, rtol=1e-9, atol=1e-11)


def test_a_schedule_that_fails_in_the_midst_of_a_fit_ends_it_with_its_history(monkeypatch):
    monkeypatch.setattr("cnet.rates.CHUNK", 10)
    net, whole = make(), make()
    with pytest.raises(ValueError, match="what schedule returns at iteration 25 must be finite"):
        net.fit(X, T, iterations=40, batch_size=30, schedule=lambda i, total: 1.0 if i != 25 else math.nan)
    assert net.iterations == net.history.iterations == len(net.history.loss) == 20
    whole.fit(X, T, iterations=20, batch_size=30)
    assert bits(net) == bits(whole)
    assert net.fit(X, T, epochs=1).epochs == 1
