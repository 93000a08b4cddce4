"""The work of the cases with several hidden layers and Adam: data, sizes, starting values, the right answer."""

from dataclasses import dataclass

import numpy as np
from workload import as_floats, cnet_rows

# Rows of the drawn data: a whole number of batches of 256 and 128, and those of the full batch.
DENSE_ROWS, FEW_ROWS = 20_480, 200


@dataclass(frozen=True)
class LayersTraining:
    """One training of a network of any depth with cross-entropy.

    sizes : units of each layer, inputs first
    data : a name of `rows_of`
    batch : rows of a mini-batch; 0 means that every row is in every batch
    optimizer : "adam" with the usual 0.9, 0.999, 1e-8, or "sgd"
    floats : cnet gets float32 as its peers do, not pixels
    check_rows : the mini-batches that cnet's generator draws with replacement, for everyone; otherwise
        everyone shuffles
    """

    sizes: tuple
    data: str
    batch: int
    iterations: int
    activation: str = "relu"
    optimizer: str = "adam"
    rate: float = 0.001
    floats: bool = False
    check_rows: bool = False
    seed: int = 0

    def parameters(self):
        """Weights and biases W1, b1, ..., Wn, bn, float32, He's or (tanh) Xavier's."""
        rng = np.random.default_rng(self.seed)
        gain = 2 if self.activation == "relu" else 1
        arrays = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            arrays += [rng.standard_normal((n_in, n_out)) * np.sqrt(gain / n_in), np.zeros(n_out)]
        return [values.astype(np.float32) for values in arrays]

    def iterations_of_check(self, n_rows):
        """As many as teach the network something: 3 passes over few rows, 60 mini-batches of many, 300 of all rows."""
        return min(60, 3 * (n_rows // self.batch)) if self.batch else 300

    def rows(self, n_rows, dtype=np.intp):
        """The rows of each mini-batch, shape (iterations, batch): those of an epoch that fill no batch are left out."""
        if self.check_rows:
            return cnet_rows(self.seed, self.iterations, self.batch, n_rows).astype(dtype)
        rng = np.random.default_rng(self.seed + 1)
        per_epoch = n_rows // self.batch
        epochs = -(-self.iterations // per_epoch)
        orders = [rng.permutation(n_rows)[: per_epoch * self.batch] for _ in range(epochs)]
        return np.concatenate(orders).astype(dtype).reshape(-1, self.batch)[: self.iterations]


def rows_of(training, data):
    """The inputs (N, I) and labels (N,) of a training: uint8 pixels or float32.

    "mnist" are the images that the comparison was started with. "digits" are scikit-learn's 1,797 images of 8 by 8
    pixels, divided by 16; half of the pixels are 0. "dense" are 20,480 rows of normal columns (200 where there are
    4 columns). "one-hot" has the shape of the forest cover data: 20,480 rows of 10 normal columns and 4 + 40 others,
    of which two in each row are 1. The labels of drawn data come from a random network, with a tenth replaced.
    """
    if training.data == "mnist":
        return data.x, data.t
    if training.data == "digits":
        from sklearn.datasets import load_digits

        x, t = load_digits(return_X_y=True)
        return (x / 16).astype(np.float32), t
    rng = np.random.default_rng(11)
    if training.data == "dense":
        inputs = training.sizes[0]
        x = rng.standard_normal((DENSE_ROWS if inputs > 4 else FEW_ROWS, inputs))
    else:
        chosen = [np.eye(n)[rng.integers(0, n, DENSE_ROWS)] for n in (4, 40)]
        x = np.hstack([rng.standard_normal((DENSE_ROWS, 10)), *chosen])
    x = np.ascontiguousarray(x, np.float32)
    outputs = training.sizes[-1]
    hidden = np.tanh(x @ rng.standard_normal((x.shape[1], 20)))
    t = (hidden @ rng.standard_normal((20, outputs))).argmax(axis=1)
    return x, np.where(rng.random(len(t)) < 0.1, rng.integers(0, outputs, len(t)), t)


def float_rows(training, data):
    """`rows_of` for contenders that compute with float32: (N, I) from 0 to 1 where they are pixels."""
    x, t = rows_of(training, data)
    return (as_floats(x) if x.dtype == np.uint8 else x), t


def loss(training, parameters, x, t):
    """Mean cross-entropy in float64, by plain NumPy."""
    z = np.asarray(x, np.float64)
    for i in range(0, len(parameters), 2):
        z = z @ np.asarray(parameters[i], np.float64) + parameters[i + 1]
        if i < len(parameters) - 2:
            z = np.maximum(z, 0) if training.activation == "relu" else np.tanh(z)
    z -= z.max(axis=1, keepdims=True)
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(t)), t]).mean())
