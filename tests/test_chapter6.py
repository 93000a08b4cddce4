"""Programs in the manner of the book's chapter 6, with networks and optimizers served by cnet.

Around them stands what such a program brings along: a trainer, curves made smooth, a shuffled data set. Nothing in it
is cnet's, so whatever it calls, and how, is what the book's classes offer: keyword arguments, ``params``, ``gradient``,
``loss``, ``accuracy``, ``update``.
"""

import copy
import math

import numpy as np
import pytest

from cnet import MultiLayerNet, reference
from cnet.datasets import load_mnist, make_digits
from cnet.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

# ---- what the programs bring along ----------------------------------------------------


class Trainer:
    """Take mini-batches, call the network for a gradient and the optimizer for a step, and write accuracies down."""

    classes = {  # noqa: RUF012
        "sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adagrad": AdaGrad, "rmsprop": RMSprop, "adam": Adam,
    }

    def __init__(self, network, x_train, t_train, x_test, t_test, epochs=20, mini_batch_size=100, optimizer="SGD",
                 optimizer_param=None):
        self.network = network
        self.train, self.test = (x_train, t_train), (x_test, t_test)
        self.epochs, self.mini_batch_size = epochs, mini_batch_size
        self.optimizer = self.classes[optimizer.lower()](**(optimizer_param or {"lr": 0.01}))
        self.losses, self.train_accuracies, self.test_accuracies = [], [], []

    def step(self):
        x, t = self.train
        rows = np.random.choice(len(x), self.mini_batch_size)
        grads = self.network.gradient(x[rows], t[rows])
        self.optimizer.update(self.network.params, grads)
        self.losses.append(self.network.loss(x[rows], t[rows]))

    def run(self):
        for _ in range(self.epochs):
            for _ in range(max(1, len(self.train[0]) // self.mini_batch_size)):
                self.step()
            self.train_accuracies.append(self.network.accuracy(*self.train))
            self.test_accuracies.append(self.network.accuracy(*self.test))


def smooth_curve(values, width=11):
    """Return the moving average under a bell, the line continued at both ends by its mirror image."""
    half = width // 2
    bell = np.exp(-0.5 * (np.arange(-half, half + 1) / (width / 5)) ** 2)
    return np.convolve(np.pad(np.asarray(values, float), half, mode="reflect"), bell / bell.sum(), "valid")


def shuffle_dataset(x, t):
    order = np.random.permutation(len(x))
    return x[order], t[order]


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(7)


@pytest.fixture(scope="module")
def mnist():
    """Drawn digits in the form of the book's load_mnist(normalize=True): float32 from 0 to 1, flat, class indices."""
    x, t = make_digits(3000, rng=3)
    x = (x / 255).astype(np.float32)
    return (x[:2000], t[:2000]), (x[2000:], t[2000:])


# ---- the programs -----------------------------------------------------------------------


def rates():
    """The rates with which the book sends four optimizers down one valley."""
    return {"SGD": SGD(lr=0.95), "Momentum": Momentum(lr=0.1), "AdaGrad": AdaGrad(lr=1.5), "Adam": Adam(lr=0.3)}


def sgd(position, slope, memory, step):
    return position - 0.95 * slope


def momentum(position, slope, memory, step):
    # The book's form: the rate is inside the velocity.
    memory["v"] = 0.9 * memory.get("v", 0.0) - 0.1 * slope
    return position + memory["v"]


def adagrad(position, slope, memory, step):
    memory["h"] = memory.get("h", 0.0) + slope**2
    return position - 1.5 * slope / (math.sqrt(memory["h"]) + 1e-7)


def adam(position, slope, memory, step):
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * slope
    memory["v"] = 0.999 * memory.get("v", 0.0) + 0.001 * slope**2
    return position - 0.3 * (memory["m"] / (1 - 0.9**step)) / (math.sqrt(memory["v"] / (1 - 0.999**step)) + 1e-8)


@pytest.mark.parametrize(("name", "by_hand"), [
    ("SGD", sgd), ("Momentum", momentum), ("AdaGrad", adagrad), ("Adam", adam),
])
def test_optimizer_compare_naive(name, by_hand):
    optimizer = rates()[name]
    params = {"x": -7.0, "y": 2.0}
    grads = {"x": 0, "y": 0}
    expected, memories = dict(params), {"x": {}, "y": {}}
    for step in range(1, 31):
        grads["x"], grads["y"] = params["x"] / 10.0, 2.0 * params["y"]
        optimizer.update(params, grads)
        for key, factor in (("x", 0.1), ("y", 2.0)):
            expected[key] = by_hand(expected[key], factor * expected[key], memories[key], step)
        assert params == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert type(params["x"]) is float
    # All four come near the lowest place, from f = 6.45.
    assert params["x"] ** 2 / 20 + params["y"] ** 2 < 0.11


def test_optimizer_compare_mnist(mnist):
    (x_train, t_train), _ = mnist
    optimizers = {"SGD": SGD(), "Momentum": Momentum(), "AdaGrad": AdaGrad(), "Adam": Adam()}
    optimizers["RMSprop"] = RMSprop(lr=0.001)
    networks, train_loss = {}, {key: [] for key in optimizers}
    for key in optimizers:
        networks[key] = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100], output_size=10)
    for _ in range(200):
        batch_mask = np.random.choice(x_train.shape[0], 128)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        for key, optimizer in optimizers.items():
            grads = networks[key].gradient(x_batch, t_batch)
            optimizer.update(networks[key].params, grads)
            train_loss[key].append(networks[key].loss(x_batch, t_batch))
    ends = {key: smooth_curve(losses)[-1] for key, losses in train_loss.items()}
    # Plain descent is behind all others, as in the book's picture.
    assert ends["SGD"] > 0.8 and max(loss for key, loss in ends.items() if key != "SGD") < 0.5


def test_weight_init_compare(mnist):
    (x_train, t_train), _ = mnist
    weight_init_types = {"std=0.01": 0.01, "Xavier": "sigmoid", "He": "relu"}
    networks = {
        key: MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100], output_size=10,
                           weight_init_std=weight_type)
        for key, weight_type in weight_init_types.items()
    }
    optimizer = SGD(lr=0.01)
    train_loss = {key: [] for key in weight_init_types}
    for _ in range(300):
        batch_mask = np.random.choice(x_train.shape[0], 128)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        for key, network in networks.items():
            # One SGD object for three networks, as in the book: it has no state.
            optimizer.update(network.params, network.gradient(x_batch, t_batch))
            train_loss[key].append(network.loss(x_batch, t_batch))
    small, xavier, he = (np.mean(losses[-20:]) for losses in train_loss.values())
    # From 0.01 nothing is learned: the loss is that of guessing.
    assert small == pytest.approx(np.log(10), abs=0.01)
    assert he < 1.2 and he < xavier - 0.5 and xavier < 2.25


def test_weight_init_activation_histogram():
    """The program that has no network: the same numbers from one of cnet's."""
    input_data = np.random.randn(1000, 100)
    for w, weight_init_std in ((1.0, 1.0), (0.01, 0.01), (np.sqrt(1.0 / 100), "sigmoid"), (np.sqrt(2.0 / 100), "relu")):
        network = MultiLayerNet(input_size=100, hidden_size_list=[100] * 5, output_size=10, activation="tanh",
                                weight_init_std=weight_init_std)
        activations, x = {}, input_data
        for i in range(5):
            # A standard deviation of 10,000 weights is known to 0.7 %.
            assert np.std(network.params[f"W{i + 1}"]) == pytest.approx(w, rel=0.04)
            x = np.tanh(x @ network.params[f"W{i + 1}"] + network.params[f"b{i + 1}"])
            activations[i] = x
        scores = x @ network.params["W6"] + network.params["b6"]
        y = np.exp(scores - scores.max(axis=1, keepdims=True))
        np.testing.assert_allclose(network.predict(input_data), y / y.sum(axis=1, keepdims=True), rtol=0.02, atol=1e-6)
        if weight_init_std == 1.0:
            assert np.mean(np.abs(activations[4]) > 0.9) > 0.7
        elif weight_init_std == 0.01:
            assert np.std(activations[4]) < 1e-4
        else:
            assert np.std(activations[4]) > 0.2


def test_overfit_weight_decay(mnist):
    (x_train, t_train), (x_test, t_test) = mnist
    x_train, t_train = x_train[:300], t_train[:300]
    gaps = {}
    for weight_decay_lambda in (0, 0.1):
        network = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100, 100, 100], output_size=10,
                                weight_decay_lambda=weight_decay_lambda)
        trainer = Trainer(network, x_train, t_train, x_test, t_test, epochs=120, optimizer="sgd",
                          optimizer_param={"lr": 0.02})
        trainer.run()
        gaps[weight_decay_lambda] = trainer.train_accuracies[-1] - trainer.test_accuracies[-1]
    assert gaps[0] > 0.2 and gaps[0.1] < gaps[0] - 0.05


def test_weight_decay_is_in_the_loss_and_in_the_gradient(mnist):
    (x_train, t_train), _ = mnist
    x, t = x_train[:20], t_train[:20]
    network = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100], output_size=10, activation="relu",
                            weight_init_std="relu", weight_decay_lambda=0.1)
    plain = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100], output_size=10)
    plain.params = network.params
    weights = [network.params[f"W{i}"].astype(float) for i in range(1, 6)]
    penalty = sum(0.5 * 0.1 * np.sum(W**2) for W in weights)
    assert network.loss(x, t) == pytest.approx(plain.loss(x, t) + penalty, rel=1e-6)
    with_decay, without = network.gradient(x, t), plain.gradient(x, t)
    assert list(with_decay) == [f"{letter}{i}" for i in range(1, 6) for letter in "Wb"] == list(network.params)
    for i, W in enumerate(weights, 1):
        np.testing.assert_allclose(with_decay[f"W{i}"], without[f"W{i}"] + 0.1 * W, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(with_decay[f"b{i}"], without[f"b{i}"], rtol=1e-5, atol=1e-8)


def test_hyperparameter_optimization(mnist):
    (x_train, t_train), _ = mnist
    x_train, t_train = shuffle_dataset(x_train[:500], t_train[:500])
    validation_num = int(x_train.shape[0] * 0.20)
    x_val, t_val = x_train[:validation_num], t_train[:validation_num]
    x_train, t_train = x_train[validation_num:], t_train[validation_num:]
    results = {}
    for _ in range(9):
        weight_decay = 10 ** np.random.uniform(-8, -4)
        lr = 10 ** np.random.uniform(-6, -1)
        network = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100, 100, 100], output_size=10,
                                weight_decay_lambda=weight_decay)
        trainer = Trainer(network, x_train, t_train, x_val, t_val, epochs=30, mini_batch_size=100, optimizer="sgd",
                          optimizer_param={"lr": lr})
        trainer.run()
        results[lr] = trainer.test_accuracies
    finals = [results[lr][-1] for lr in sorted(results)]
    assert all(len(accuracies) == 30 for accuracies in results.values())
    # The largest rates, between 0.01 and 0.1, are the best of this range.
    assert np.mean(finals[-3:]) > np.mean(finals[:3]) + 0.1


@pytest.mark.mnist
@pytest.mark.slow
def test_optimizers_on_the_real_mnist(mnist_dir):
    """The chapter's figures, with its own data: 400 iterations of 128 images."""
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=True, data_home=mnist_dir)
    accuracies = {}
    for name, optimizer in {"SGD": SGD(lr=0.01), "AdaGrad": AdaGrad(lr=0.01), "Adam": Adam(lr=0.001)}.items():
        network = MultiLayerNet(input_size=784, hidden_size_list=[100, 100, 100, 100], output_size=10)
        for _ in range(400):
            rows = np.random.choice(60_000, 128)
            optimizer.update(network.params, network.gradient(x_train[rows], t_train[rows]))
        accuracies[name] = network.accuracy(x_test, t_test)
    assert 0.7 < accuracies["SGD"] < 0.9 and min(accuracies["AdaGrad"], accuracies["Adam"]) > 0.92


# ---- where a program of the book is written otherwise ----------------------------------------


@pytest.mark.parametrize("name", ["Nesterov", "RMSprop"])
def test_the_other_optimizers_of_the_book_take_its_keywords(name, mnist):
    (x_train, t_train), _ = mnist
    network = MultiLayerNet(784, [50], 10, "sigmoid", "sigmoid", 0, rng=0)
    optimizer = {"Nesterov": Nesterov(lr=0.01, momentum=0.9), "RMSprop": RMSprop(lr=0.01, decay_rate=0.99)}[name]
    before = network.loss(x_train, t_train)
    for start in range(0, 2000, 100):
        rows = slice(start, start + 100)
        optimizer.update(network.params, network.gradient(x_train[rows], t_train[rows]))
    assert network.loss(x_train, t_train) < before - 0.05


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam])
def test_a_rate_is_given_by_its_name(optimizer):
    with pytest.raises(TypeError):
        optimizer(0.1)


def test_the_books_adam_is_an_epsilon_before_the_correction():
    """As docs/differences.rst tells: with this epsilon, the t-th step of cnet's kernel is the book's."""
    step = reference.OPTIMIZERS["adam"].step
    x, m, v = 1.0, 0.0, 0.0
    W, state = np.array([1.0]), [np.zeros(1), np.zeros(1)]
    for t in range(1, 6):
        g = 1e-6 * x
        m, v = m + 0.1 * (g - m), v + 0.001 * (g**2 - v)
        x -= 0.001 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 1e-7)
        step(W, 1e-6 * W, state, 0.001, t, beta1=0.9, beta2=0.999, epsilon=1e-7 / math.sqrt(1 - 0.999**t))
        assert W[0] == pytest.approx(x, rel=1e-12)
    # With cnet's default the first step is as long as the rate, even for so small a gradient.
    params = {"x": 1.0}
    Adam().update(params, {"x": 1e-6})
    assert params["x"] == pytest.approx(0.999, abs=1e-4)


def test_copies_of_an_optimizer_go_their_own_ways():
    """A program may keep one optimizer as a template."""
    template = Momentum(lr=0.1)
    first, second = copy.deepcopy(template), copy.deepcopy(template)
    one, two = {"x": 1.0}, {"x": 1.0}
    first.update(one, {"x": 1.0})
    first.update(one, {"x": 1.0})
    second.update(two, {"x": 1.0})
    assert (one["x"], two["x"]) == (pytest.approx(0.71), pytest.approx(0.9))
