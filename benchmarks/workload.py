"""The work itself: data, sizes, starting values, and what the right answer is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

INPUTS, OUTPUTS = 784, 10


@dataclass(frozen=True)
class Training:
    """One training of a network 784-hidden-10.

    A rate of 0.1 and no momentum is the plain gradient descent of the seed job. With `ramp` the
    rate rises linearly from 0 to `rate` over the first fifth of the iterations, and falls
    linearly back to 0. `numerical`: by central differences. `floats`: cnet gets float32 as its
    peers do, not pixels. `cnet_rows`: the mini-batches that cnet's generator draws, for everyone.
    """

    hidden: int
    batch: int
    iterations: int
    rate: float = 0.1
    std: float = 0.01
    activation: str = "sigmoid"
    momentum: float = 0.0
    ramp: bool = False
    shuffle: bool = False
    seed: int = 0
    numerical: bool = False
    floats: bool = False
    cnet_rows: bool = False

    def parameters(self):
        """Starting values, the same for every contender; std 0 means He's."""
        return initial_parameters(self.hidden, self.std, self.seed)

    def rates(self):
        """The rate of each iteration, shape (iterations,)."""
        if not self.ramp:
            return np.full(self.iterations, self.rate, np.float32)
        steps = np.arange(1, self.iterations + 1) / self.iterations
        return (self.rate * np.minimum(steps / 0.2, (1 - steps) / 0.8)).astype(np.float32)

    def rows(self, n_rows, dtype=np.intp):
        """The rows of each mini-batch, shape (iterations, batch)."""
        if self.cnet_rows:
            return cnet_rows(self.seed, self.iterations, self.batch, n_rows).astype(dtype)
        rng = np.random.default_rng(self.seed + 1)
        if not self.shuffle:
            return rng.integers(0, n_rows, (self.iterations, self.batch), dtype=dtype)
        per_epoch = n_rows // self.batch
        epochs = -(-self.iterations // per_epoch)
        orders = [rng.permutation(n_rows)[: per_epoch * self.batch] for _ in range(epochs)]
        rows = np.concatenate(orders).astype(dtype).reshape(-1, self.batch)
        return rows[: self.iterations]


@dataclass(frozen=True)
class Data:
    """Images as uint8 (N, 784), labels as uint8 (N,)."""

    x: np.ndarray
    t: np.ndarray
    x_test: np.ndarray
    t_test: np.ndarray

    def save(self, folder):
        """Write the four arrays, for the workers."""
        for name in ("x", "t", "x_test", "t_test"):
            np.save(Path(folder) / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder):
        """Read what `save` wrote."""
        return cls(*(np.load(Path(folder) / f"{name}.npy") for name in ("x", "t", "x_test", "t_test")))


def load_data(data_home):
    """MNIST from a folder, or digits drawn by cnet when there is none; and its name."""
    from cnet import datasets

    if data_home:
        (x, t), (x_test, t_test) = datasets.load_mnist(normalize=False, data_home=data_home, download=False)
        return Data(x, t, x_test, t_test), "MNIST"
    x, t = datasets.make_digits(70000, rng=0)
    return Data(x[:60000], t[:60000], x[60000:], t[60000:]), "drawn digits"


def cnet_rows(seed, iterations, batch, n_rows):
    """The mini-batches that cnet's fit draws, epoch by epoch, by its specification in NumPy."""
    from cnet import TwoLayerNet, reference

    key = TwoLayerNet(1, 1, 1, rng=seed).seed
    per_epoch = -(-n_rows // batch)
    rows = [
        reference.draw_rows(key, epoch, per_epoch * batch, n_rows).reshape(per_epoch, batch)
        for epoch in range(-(-iterations // per_epoch))
    ]
    return np.concatenate(rows)[:iterations]


def as_floats(pixels):
    """Pixels 0 to 255 as float32 0 to 1."""
    return np.divide(pixels, 255, dtype=np.float32)


def initial_parameters(hidden, std, seed):
    """W1 (I, H), b1 (H,), W2 (H, O), b2 (O,), float32; std 0 means sqrt(2 / inputs)."""
    rng = np.random.default_rng(seed)
    W1 = rng.standard_normal((INPUTS, hidden)) * (std or np.sqrt(2 / INPUTS))
    W2 = rng.standard_normal((hidden, OUTPUTS)) * (std or np.sqrt(2 / hidden))
    arrays = (W1, np.zeros(hidden), W2, np.zeros(OUTPUTS))
    return [values.astype(np.float32) for values in arrays]


def dense_rows(n_rows):
    """Rows without a zero, and labels: uniform float32 (B, 784), (B,)."""
    rng = np.random.default_rng(7)
    x = rng.uniform(0.01, 1, (n_rows, INPUTS)).astype(np.float32)
    return x, rng.integers(0, OUTPUTS, n_rows)


def forward(parameters, x, activation="sigmoid"):
    """Activations of the hidden layer and probabilities, by plain NumPy in x's type."""
    W1, b1, W2, b2 = parameters
    a = x @ W1 + b1
    z = np.maximum(a, 0) if activation == "relu" else 1 / (1 + np.exp(-a))
    scores = z @ W2 + b2
    y = np.exp(scores - scores.max(axis=1, keepdims=True))
    return z, y / y.sum(axis=1, keepdims=True)


def loss(parameters, x, t, activation="sigmoid"):
    """Mean cross-entropy."""
    y = forward(parameters, x, activation)[1]
    return float(-np.log(y[np.arange(len(t)), t] + 1e-30).mean())


def accuracy(parameters, pixels, t, activation="sigmoid"):
    """Share of samples that are classified right."""
    y = forward(parameters, as_floats(pixels), activation)[1]
    return float((y.argmax(axis=1) == t).mean())


def reference_gradient(parameters, x, t):
    """The gradient of the mean cross-entropy, sigmoid, in float64."""
    parameters = [np.asarray(values, np.float64) for values in parameters]
    x = np.asarray(x, np.float64)
    z, y = forward(parameters, x)
    d = y.copy()
    d[np.arange(len(t)), t] -= 1
    d /= len(t)
    dz = d @ parameters[2].T * z * (1 - z)
    return [x.T @ dz, dz.sum(axis=0), z.T @ d, d.sum(axis=0)]
