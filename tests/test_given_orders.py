"""Fits whose orders of rows a caller gives, with a penalty that all rows share and rates inside the state."""

import numpy as np
import pytest

from cnet.core._network import Network
from cnet.core._record import Record
from cnet.core._trainer import Trainer
from cnet.optimizers import SGD, Adam, Momentum, Nesterov
from cnet.options import FitOptions

ROWS, SIZES, BATCH = 25, (7, 5, 3), 8


def made(dtype, alpha, sparse):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, SIZES[0])) * (rng.random((ROWS, SIZES[0])) < (0.3 if sparse else 1))
    net = Network(SIZES, "tanh", dtype, weight_decay=alpha)
    for array in (*net.weights, *net.biases):
        array[...] = rng.normal(size=array.shape)
    return x.astype(dtype), rng.integers(0, SIZES[2], ROWS), net


def trainer_of(net, x, t, weight, optimizer, threads=1, given=True):
    options = FitOptions(batch_size=BATCH, sampling="shuffle", optimizer=optimizer, n_threads=threads)
    return Trainer(net, x, t, weight, options, key=1, first_epoch=0, iterations=1000, given_orders=given,
                   rate_inside=True, shared_penalty=True)


class ByHand:
    """The same in plain NumPy, with scikit-learn's formulas."""

    def __init__(self, net, x, t, weight, alpha, optimizer):
        self.w, self.b = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
        self.x, self.t, self.alpha, self.optimizer = x, np.eye(SIZES[2])[t], alpha, optimizer
        self.weight = np.ones(ROWS) if weight is None else weight
        self.state = [[np.zeros_like(p) for p in (*self.w, *self.b)] for _ in range(2)]
        self.steps = 0

    def gradient(self, rows):
        x, t, weight = self.x[rows], self.t[rows], self.weight[rows]
        z = np.tanh(x @ self.w[0] + self.b[0])
        s = z @ self.w[1] + self.b[1]
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        total = weight.sum()
        loss = -(np.log((p * t).sum(axis=1)) * weight).sum() / total
        penalty = self.alpha / 2 * sum((w**2).sum() for w in self.w) / total
        d1 = (p - t) * weight[:, None] / total
        d0 = d1 @ self.w[1].T * (1 - z**2)
        gradients = [x.T @ d0 + self.alpha / total * self.w[0], z.T @ d1 + self.alpha / total * self.w[1],
                     d0.sum(axis=0), d1.sum(axis=0)]
        return loss, penalty, gradients

    def step(self, gradients, rate):
        self.steps += 1
        for i, (p, g) in enumerate(zip((*self.w, *self.b), gradients, strict=True)):
            m, v = self.state[0][i], self.state[1][i]
            name, hyper = self.optimizer.name, self.optimizer.hyper()
            if name == "sgd":
                p -= rate * g
            elif name == "adam":
                m[...] = hyper["beta1"] * m + (1 - hyper["beta1"]) * g
                v[...] = hyper["beta2"] * v + (1 - hyper["beta2"]) * g**2
                corrected = rate * np.sqrt(1 - hyper["beta2"] ** self.steps) / (1 - hyper["beta1"] ** self.steps)
                p -= corrected * m / (np.sqrt(v) + hyper["epsilon"])
            else:
                m[...] = hyper["momentum"] * m - rate * g
                p += hyper["momentum"] * m - rate * g if name == "nesterov" else m

    def epoch(self, order, rates):
        sums = np.zeros(2)
        for i, rate in enumerate(rates):
            rows = order[i * BATCH : (i + 1) * BATCH]
            loss, penalty, gradients = self.gradient(rows)
            sums += np.array([loss, penalty]) * len(rows)
            self.step(gradients, rate)
        return sums


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(momentum=0.8), Nesterov(momentum=0.8), Adam(epsilon=0.01)],
                         ids=lambda each: each.name)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_epochs_in_given_orders(isa, optimizer, sparse, weighed, dtype, tolerance, alpha):
    x, t, net = made(dtype, alpha, sparse)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.5, 2, ROWS) if weighed else None
    by_hand = ByHand(net, x, t, weight, alpha, optimizer)
    trainer, record = trainer_of(net, x, t, weight, optimizer, threads=2), Record(False, 0.0, True, 4)
    for epochs in (3, 1):
        orders = np.stack([rng.permutation(ROWS) for _ in range(epochs)])
        rates = rng.uniform(0.01, 0.1, 4 * epochs)
        sums = np.empty((epochs, 2))
        trainer.set_orders(orders, sums)
        begin = record.iterations
        while record.iterations < begin + len(rates):
            assert trainer.advance(record, rates[record.iterations - begin :])
        for i in range(epochs):
            np.testing.assert_allclose(sums[i], by_hand.epoch(orders[i], rates[4 * i : 4 * i + 4]), rtol=tolerance)
    for got, expected in zip((*net.weights, *net.biases), (*by_hand.w, *by_hand.b), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * 5)


def test_what_is_no_order():
    x, t, net = made(np.float64, 0.0, False)
    trainer, record = trainer_of(net, x, t, None, SGD()), Record(False, 0.0, True, 4)
    with pytest.raises(ValueError, match="at most 0 iterations, for which orders were given, got 4"):
        trainer.advance(record, np.ones(4))
    orders, sums = np.arange(ROWS)[None].copy(), np.empty((1, 2))
    for wrong in (orders[:, :-1].copy(), np.zeros((2, ROWS), np.int64)):
        with pytest.raises(ValueError, match="expected orders of 25 rows and two sums for each"):
            trainer.set_orders(wrong, sums)
    for value in (-1, ROWS):
        wrong = orders.copy()
        wrong[0, 5] = value
        with pytest.raises(ValueError, match=f"an order holds {value}, which is not one of 25 rows"):
            trainer.set_orders(wrong, sums)
    trainer.set_orders(orders, sums)
    assert trainer.advance(record, np.full(2, 0.1))
    with pytest.raises(ValueError, match="one is under way"):
        trainer.set_orders(orders, sums)
    with pytest.raises(ValueError, match="expected orders"):
        trainer_of(net, x, t, None, SGD(), given=False).set_orders(orders, sums)
