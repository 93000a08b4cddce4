"""Every activation, loss and optimizer of the core against the reference in NumPy; the names come from the tables."""

import inspect
import math
import re
from decimal import Decimal

import numpy as np
import pytest

import cnet.activations
import cnet.losses
import cnet.optimizers
import cnet.schedules
from cnet import reference
from cnet.core import _dispatch
from cnet.core._network import ACTIVATIONS, LOSSES, OPTIMIZERS, Network
from cnet.core._record import Record
from cnet.core._trainer import Trainer
from cnet.options import FitOptions

# Other ones than the defaults, which a loss has that is not named here.
PARAMETER = {name: cls().parameter for name, cls in cnet.losses.LOSSES.items()} | {"huber": 0.7, "quantile": 0.8}
TOLERANCE = {"float32": 3e-5, "float64": 1e-12}
DTYPES = list(TOLERANCE)
SETS = _dispatch.available()
KEY = 5


@pytest.mark.parametrize(("of_core", "of_python", "of_reference"), [
    (ACTIVATIONS, cnet.activations.ACTIVATIONS, reference.activations.ACTIVATIONS),
    (LOSSES, cnet.losses.LOSSES, reference.losses.LOSSES),
    (OPTIMIZERS, cnet.optimizers.OPTIMIZERS, reference.optimizers.OPTIMIZERS),
], ids=["activations", "losses", "optimizers"])
def test_names_are_the_same_everywhere(of_core, of_python, of_reference):
    assert len(set(of_core)) == len(of_core)
    assert set(of_core) == set(of_python) == set(of_reference)


def names_in_docstring(of, parameter):
    """What stands in quotes in the text on a parameter, below its line with the type."""
    text = re.search(rf"^ *{parameter} : .*\n((?: +.*\n)+?)(?=^ *\w[\w, ]* : |^ *$)", inspect.getdoc(of) + "\n\n", re.M)
    assert text, f"{of.__qualname__} does not describe {parameter}"
    return re.findall(r'"([\w-]+)"', text[1])


@pytest.mark.parametrize(("of", "parameter", "table"), [
    (cnet.MultiLayerNet, "activation", cnet.activations.ACTIVATIONS),
    (cnet.MultiLayerNet, "loss", cnet.losses.LOSSES),
    (cnet.MultiLayerNet.fit, "optimizer", cnet.optimizers.OPTIMIZERS),
    (cnet.MultiLayerNet.fit, "schedule", cnet.schedules.SCHEDULES),
], ids=["activations", "losses", "optimizers", "schedules"])
def test_docstrings_list_every_name(of, parameter, table):
    assert names_in_docstring(of, parameter) == list(table)


def test_the_docstring_of_two_layers_names_activations():
    names = names_in_docstring(cnet.TwoLayerNet, "activation")
    assert len(names) > 2 and set(names) < set(cnet.activations.ACTIVATIONS)


def make(sizes, activation, dtype, loss, first_layer="auto", weight_decay=0.0):
    """A network with drawn parameters, of which none is 0."""
    rng = np.random.default_rng(len(sizes))
    net = Network(sizes, activation, np.dtype(dtype), loss=loss, loss_parameter=PARAMETER[loss],
                  weight_decay=weight_decay)
    for weight, bias in zip(net.weights, net.biases, strict=True):
        weight[...] = rng.normal(0, 1 / np.sqrt(len(weight)), weight.shape)
        bias[...] = rng.normal(0, 0.2, bias.shape)
    net.first_layer = first_layer
    return net


def params_of(net, dtype=np.float64):
    params = {}
    for layer, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        params[f"W{layer}"], params[f"b{layer}"] = weight.astype(dtype), bias.astype(dtype)
    return params


def make_data(loss, rows, n_in, n_out, dtype):
    """Inputs of which most are 0, and targets that the loss takes, in numbers that float32 has."""
    rng = np.random.default_rng(rows)
    x = np.where(rng.random((rows, n_in)) < 0.3, rng.normal(size=(rows, n_in)), 0).astype(dtype)
    if loss == "cross_entropy":
        t = rng.integers(0, 16, (rows, n_out)) + 1.0
        t /= t.sum(axis=1, keepdims=True)
    elif loss == "binary_cross_entropy":
        t = np.where(rng.random((rows, n_out)) < 0.5, rng.random((rows, n_out)), rng.integers(0, 2, (rows, n_out)))
    elif loss == "poisson":
        t = rng.poisson(1.5, (rows, n_out))
    else:
        t = rng.normal(size=(rows, n_out))
    return x, t.astype(dtype)


def make_weights(rows):
    """Whole numbers from 0 to 3."""
    return np.random.default_rng(rows + 1).integers(0, 4, rows).astype(float)


def of_loss(loss):
    return {"loss_function": loss, "loss_parameter": PARAMETER[loss]}


# ---- single passes ----

# Each loss with each activation; depth, type, weights, instruction set and the number of outputs in turn.
PASSES = [(LOSSES[i % len(LOSSES)], ACTIVATIONS[i // len(LOSSES)], i) for i in range(len(LOSSES) * len(ACTIVATIONS))]


@pytest.mark.parametrize(("loss", "activation", "i"), PASSES)
def test_passes(loss, activation, i):
    n_out = (1, 3, 16, 37)[i % 4]
    sizes = (19, *(13, 8, 21)[: i // 2 % 4], n_out)
    dtype, weighted = DTYPES[i // 3 % 2], i // 5 % 2
    former = _dispatch.use(SETS[i % len(SETS)])
    try:
        net = make(sizes, activation, dtype, loss, first_layer=("sparse", "dense")[i % 2])
        x, t = make_data(loss, 70, sizes[0], n_out, dtype)
        weight = make_weights(len(x)) if weighted else None
        loss_value, accuracy = net.loss_and_accuracy(x, t, compare=True, weight=weight)
        gradient, predicted = net.gradient(x, t, weight), net.predict(x)
    finally:
        _dispatch.use(former)
    params, x, t = params_of(net), x.astype(float), t.astype(float)
    options = {**of_loss(loss), "sample_weight": weight}
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(loss_value, reference.loss(params, x, t, activation, **options), **close)
    expected = reference.accuracy(params, x, t, activation, loss_function=loss, sample_weight=weight)
    assert accuracy == (None if expected is None else pytest.approx(expected, rel=1e-12))
    np.testing.assert_allclose(predicted, reference.predict(params, x, activation, loss_function=loss), **close)
    expected = reference.gradient(params, x, t, activation, **options)
    for actual, letter in zip(gradient, "Wb", strict=True):
        for layer, array in enumerate(actual, 1):
            np.testing.assert_allclose(array, expected[f"{letter}{layer}"], **close)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_many_outputs_keep_their_digits(isa, loss):
    """A float32 row of 784 outputs is added up about as exactly as in float64."""
    net = make((5, 784), (), "float32", loss)
    x, t = make_data(loss, 40, 5, 784, np.float32)
    expected = reference.loss(params_of(net), x.astype(float), t.astype(float), "relu", **of_loss(loss))
    assert net.loss_and_accuracy(x, t)[0] == pytest.approx(expected, rel=1e-6)


def test_accuracy_of_labels_that_go_together():
    """A row is right where each score is on its target's side: above 0 means above a half."""
    net = Network((1, 2), (), np.dtype(np.float32), loss="binary_cross_entropy")
    net.biases[0][...] = 0.5, -0.25
    x = np.zeros((6, 1), np.float32)
    t = [[1, 0], [1, 1], [0.75, 0.5], [0.5, 0], [0.51, 0.49], [0, 1]]
    assert net.loss_and_accuracy(x, t, compare=True)[1] == 3 / 6
    net.biases[0][...] = 0.5, 0.0
    assert net.loss_and_accuracy(x, t, compare=True)[1] == 3 / 6


@pytest.mark.parametrize(("loss", "t", "message"), [
    ("binary_cross_entropy", [[0.5, 1.5]], "not from 0 to 1"),
    ("poisson", [[1.0, -0.5]], "below 0"),
    ("huber", [[1.0, math.nan]], "not a finite number"),
    ("cross_entropy", [[0.5, 0.4]], "row of probabilities"),
])
def test_targets_without_a_meaning_are_refused(loss, t, message):
    net = make((1, 2), (), "float64", loss)
    with pytest.raises(ValueError, match=message):
        net.gradient(np.zeros((1, 1)), np.array(t))


# ---- large and small numbers ----

EDGES = [0.0, 1e-30, -1e-30, 0.3, -0.3, 30.0, -30.0, 80.0, -80.0, 1000.0, -1000.0]


def exp(s):
    return math.inf if s > 709.7 else math.exp(s)


def log_rest(s):
    """log(1 + exp(-|s|))"""
    return math.log1p(math.exp(-abs(s)))


# Loss and derivative of one score s, whose target is t; in forms that do not cancel.
SCORES = {
    "binary_cross_entropy": {
        0: lambda s: (max(s, 0) + log_rest(s), math.exp(min(s, 0)) / (1 + math.exp(-abs(s)))),
        1: lambda s: (max(-s, 0) + log_rest(s), -math.exp(min(-s, 0)) / (1 + math.exp(-abs(s)))),
    },
    "squared_error": {0: lambda s: (s * s / 2, s), 2: lambda s: ((s - 2) ** 2 / 2, s - 2)},
    "absolute_error": {0: lambda s: (abs(s), (s > 0) - (s < 0))},
    "huber": {0: lambda s: (s * s / 2 if abs(s) <= 0.75 else 0.75 * (abs(s) - 0.375), min(max(s, -0.75), 0.75))},
    "poisson": {
        0: lambda s: (exp(s), exp(s)),
        1: lambda s: (exp(s) - s - 1, math.expm1(s) if s < 700 else math.inf),
    },
    "quantile": {0: lambda s: (0.25 * s if s > 0 else -0.75 * s, 0.25 if s > 0 else -0.75 if s < 0 else 0)},
}
ROUNDING = {"float32": 4e-7, "float64": 1e-14}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", SCORES)
def test_losses_at_large_and_small_scores(isa, loss, dtype):
    net = Network((1, 1), (), np.dtype(dtype), loss=loss, loss_parameter=0.75)
    x = np.zeros((1, 1), dtype)
    overflow, least = (88.7, 1e-37) if dtype == "float32" else (709.7, 1e-300)
    for s in np.array(EDGES, dtype).tolist():
        net.biases[0][0] = s
        for t, function in SCORES[loss].items():
            value, delta = function(s)
            if loss == "poisson" and s > overflow:
                value = delta = math.inf
            # Of a sum like exp(s) - s - 1 with t = 1, the terms' last digits are lost.
            lost = least if t == 0 or loss != "poisson" else 2 * ROUNDING[dtype]
            assert net.loss_and_accuracy(x, [[t]])[0] == pytest.approx(value, rel=ROUNDING[dtype], abs=lost)
            assert net.gradient(x, [[t]])[1][0][0] == pytest.approx(delta, rel=ROUNDING[dtype], abs=lost)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_at_large_and_small_scores(isa, dtype):
    """One score against another that is 0, by probabilities and by indices."""
    net = Network((1, 2), (), np.dtype(dtype))
    x = np.zeros((1, 1), dtype)
    for s in np.array(EDGES, dtype).tolist():
        net.biases[0][...] = s, 0
        lost = {"rel": ROUNDING[dtype], "abs": ROUNDING[dtype]}
        assert net.loss_and_accuracy(x, [0])[0] == pytest.approx(max(-s, 0) + log_rest(s), **lost)
        # A quarter of the first: log(1 + exp(s)) - s / 4.
        value = max(s, 0) - s / 4 + log_rest(s)
        delta = math.exp(min(s, 0)) / (1 + math.exp(-abs(s))) - 0.25
        assert net.loss_and_accuracy(x, [[0.25, 0.75]])[0] == pytest.approx(value, **lost)
        assert net.gradient(x, [[0.25, 0.75]])[1][0].tolist() == pytest.approx([delta, -delta], **lost)


def phi(a):
    return math.exp(-a * a / 2) / math.sqrt(2 * math.pi) if abs(a) < 38 else 0.0


def cdf(a):
    """The normal distribution at a; far below 0 what erfc's argument loses by rounding comes back by its derivative."""
    exact = -Decimal(a) / Decimal(2).sqrt()
    rounded = float(exact)
    if rounded > 26:
        return 0.0
    return (math.erfc(rounded) - 2 / math.sqrt(math.pi) * math.exp(-rounded**2) * float(exact - Decimal(rounded))) / 2


def logistic(a):
    return math.exp(min(a, 0)) / (1 + math.exp(-abs(a)))


# Value and derivative of a single number, in forms that do not cancel: what says that an activation is right.
UNITS = {
    "identity": lambda a: (a, 1),
    "sigmoid": lambda a: (logistic(a), logistic(a) * logistic(-a)),
    "relu": lambda a: (max(a, 0), a > 0),
    "tanh": lambda a: (math.tanh(a), 1 - math.tanh(a) ** 2),
    "leaky_relu": lambda a: (a if a > 0 else a * 0.01, 1 if a > 0 else 0.01),
    "elu": lambda a: (a if a > 0 else math.expm1(a), math.exp(min(a, 0))),
    "gelu": lambda a: (a * cdf(a), cdf(a) + a * phi(a)),
    "silu": lambda a: (a * logistic(a), logistic(a) + a * logistic(a) * logistic(-a)),
}


def test_every_activation_is_known_by_its_formula():
    assert set(UNITS) == set(ACTIVATIONS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", UNITS)
def test_activations_at_large_and_small_numbers(isa, activation, dtype):
    """Values to a few units in the last place, and derivatives to as much of their largest."""
    net = Network((1, 1, 1), activation, np.dtype(dtype), loss="absolute_error")
    for weight in net.weights:
        weight[...] = 1
    numbers = np.array([*EDGES, *np.linspace(-12, 12, 97)], dtype)
    value, slope = np.array([UNITS[activation](a) for a in numbers.tolist()]).T
    near = {"float32": 6e-7, "float64": 3e-15}[dtype]
    least = 1e-36 if dtype == "float32" else 1e-300
    np.testing.assert_allclose(net.predict(numbers[:, np.newaxis])[:, 0], value, rtol=near, atol=least)
    # With a target far below it, the derivative of the loss is 1.
    found = [net.gradient(np.array([[a]], dtype), [[-5000.0]])[1][0][0] for a in numbers]
    np.testing.assert_allclose(found, slope, rtol=near, atol=near)


# ---- fits ----

OPTIONS = {
    "plain": {},
    "weights": {"weight": True},
    "penalty": {"weight_decay": 0.05},
    "dropout": {"dropout": 0.4},
    "inputs": {"input_dropout": 0.3},
    "both": {"dropout": 0.2, "input_dropout": 0.2, "weight": True},
    "noise": {"input_noise": 0.3},
    "noise and dropout": {"input_noise": 0.2, "dropout": 0.2, "input_dropout": 0.2, "weight": True},
    "adversarial": {"adversarial": 0.1},
    "noise, dropout and adversarial": {
        "adversarial": 0.2, "input_noise": 0.2, "dropout": 0.2, "input_dropout": 0.2, "weight": True},
    "smoothing": {"label_smoothing": 0.1},
    "clip": {"clip_norm": 0.5},
    "norm": {"max_norm": 0.9},
    "average": {"averaging": 0.8},
    "all": {"weight": True, "weight_decay": 0.03, "dropout": 0.3, "input_dropout": 0.1, "clip_norm": 0.7,
            "max_norm": 1.1, "averaging": 0.5},
}
SMOOTHED = tuple(name for name in LOSSES if reference.losses.LOSSES[name].smooth is not None)
# Iterations, by the batch's size, and rows of the data: the last batch of an epoch may be short.
BATCHES = {17: (9, 100), 1: (12, 30), 1500: (3, 1501), 130: (5, 300)}
RATES = {name: min(max(cls.default_lr, 0.01), 0.05) for name, cls in cnet.optimizers.OPTIMIZERS.items()}


def make_optimizer(name):
    """Where small derivatives are divided by small numbers, rounding shows: here epsilon is larger than by default."""
    kind = cnet.optimizers.OPTIMIZERS[name]
    return kind(epsilon=1e-3) if "epsilon" in kind().hyper() else kind()


def fit(net, x, t, weight, options, iterations, rate):
    """Iterations of a fit by the core; the loss of each."""
    trainer = Trainer(net, x, t, weight, options, key=KEY, first_epoch=0, iterations=iterations)
    record = Record(False, 0.0, per_epoch=-(-len(t) // options.batch_size))
    while record.iterations < iterations:
        assert trainer.advance(record, np.full(iterations - record.iterations, rate))
    return record.snapshot()["loss"].tolist()


def prepare(option, loss, optimizer, dtype, first_layer, batch_size, sampling, n_threads=1):
    """Network, data and options of one fit."""
    chosen = dict(OPTIONS[option])
    if loss not in SMOOTHED:
        chosen.pop("label_smoothing", None)
    net = make((37, 13, 9, 5), ("gelu", "sigmoid"), dtype, loss, first_layer, chosen.pop("weight_decay", 0.0))
    rows = BATCHES[batch_size][1]
    x, t = make_data(loss, rows, 37, 5, dtype)
    weight = make_weights(rows) if chosen.pop("weight", False) else None
    options = FitOptions(batch_size=batch_size, sampling=sampling, n_threads=n_threads,
                         optimizer=make_optimizer(optimizer), **chosen)
    return net, x, t, weight, options


# Every loss with every option and every optimizer, and all else in turn.
FITS = [
    (list(OPTIONS)[i % len(OPTIONS)], LOSSES[i % len(LOSSES)], OPTIMIZERS[(i + i // len(LOSSES)) % len(OPTIMIZERS)],
     list(BATCHES)[i % len(BATCHES)], DTYPES[i // 2 % 2], ("sparse", "dense")[i // 5 % 2],
     ("shuffle", "replacement")[i // 3 % 2], i)
    for i in range(len(OPTIONS) * len(LOSSES))
]


@pytest.mark.parametrize(("option", "loss", "optimizer", "batch_size", "dtype", "first_layer", "sampling", "i"), FITS)
def test_fits(option, loss, optimizer, batch_size, dtype, first_layer, sampling, i):
    net, x, t, weight, options = prepare(option, loss, optimizer, dtype, first_layer, batch_size, sampling)
    params = params_of(net)
    iterations, rate = BATCHES[batch_size][0], RATES[optimizer]
    former = _dispatch.use(SETS[i % len(SETS)])
    try:
        losses = fit(net, x, t, weight, options, iterations, rate)
    finally:
        _dispatch.use(former)
    expected = reference.fit(
        params, x.astype(float), t.astype(float), net.activations, iterations=iterations, batch_size=batch_size,
        learning_rate=rate, sampling=sampling, key=KEY, optimizer=optimizer, hyper=options.optimizer.hyper(),
        sample_weight=weight, weight_decay_lambda=net.weight_decay, label_smoothing=options.label_smoothing,
        dropout=options.dropout, input_dropout=options.input_dropout, input_noise=options.input_noise,
        adversarial=options.adversarial,
        clip_norm=options.clip_norm, max_norm=options.max_norm, averaging=options.averaging, **of_loss(loss))
    near = {"float32": 2e-4, "float64": 1e-10}[dtype]
    np.testing.assert_allclose(losses, expected, rtol=near, atol=near)
    found = params_of(net)
    for name, array in params.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=near)


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("option", OPTIONS)
def test_the_same_bits_at_any_number_of_threads(option, first_layer):
    place = list(OPTIONS).index(option)
    optimizer = OPTIMIZERS[place % len(OPTIMIZERS)]
    loss = SMOOTHED[place % len(SMOOTHED)] if option == "smoothing" else LOSSES[place % len(LOSSES)]
    for batch_size in (17, 1500):
        results = []
        for n_threads in (1, 2, 5):
            net, x, t, weight, options = prepare(
                option, loss, optimizer, "float32", first_layer, batch_size, "shuffle", n_threads)
            losses = fit(net, x, t, weight, options, BATCHES[batch_size][0], RATES[optimizer])
            results.append((losses, [array.tobytes() for array in (*net.weights, *net.biases)]))
        assert results[0] == results[1] == results[2]
