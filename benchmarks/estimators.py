"""scikit-learn's perceptrons beside cnet's, fit by fit, with the same settings. See README.md."""

import argparse
import statistics
import time
import warnings

import numpy as np
import scipy.sparse
from sklearn import datasets, neural_network

from cnet import estimators


def digits():
    x, y = datasets.load_digits(return_X_y=True)
    return "MLPClassifier", x / 16, y, {"max_iter": 50}


def mnist(folder):
    import cnet

    if folder:
        (x, y), _ = cnet.datasets.load_mnist(data_home=folder, normalize=True, download=False)
    else:
        (x, y), _ = cnet.datasets.make_digits(normalize=True)
    return "MLPClassifier", x, y, {"hidden_layer_sizes": (256,), "max_iter": 3}


def cover():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100_000, 54))
    return "MLPClassifier", x, np.argmax(x[:, :7] + rng.normal(size=(100_000, 7)), 1), {
        "hidden_layer_sizes": (128, 64), "max_iter": 3,
    }


def houses():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_640, 8))
    return "MLPRegressor", x, np.sin(x).sum(1) + 0.1 * rng.normal(size=20_640), {
        "hidden_layer_sizes": (64, 64), "max_iter": 5,
    }


def iris():
    x, y = datasets.load_iris(return_X_y=True)
    return "MLPClassifier", (x - x.mean(0)) / x.std(0), y, {"max_iter": 200}


def words():
    rng = np.random.default_rng(0)
    x = scipy.sparse.random(20_000, 100_000, 0.001, "csr", np.float32, random_state=0)
    return "MLPClassifier", x, rng.integers(0, 4, 20_000), {"max_iter": 1}


# Threads of a BLAS wait busily for some time after their last product, and would take a processor from who comes next.
REST = 0.5


def seconds(call, *arguments):
    """Seconds of a call, in the middle of others: the median of a third of a second's calls after the first."""
    time.sleep(REST)
    began = time.perf_counter()
    call(*arguments)
    first = time.perf_counter() - began
    if first > 1:
        return first
    times = []
    while sum(times) < 1 / 3:
        began = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def compare(name, kind, x, y, settings, rounds):
    """Print medians of fits and of predictions, each of the two in turn."""
    settings = settings | {"random_state": 0, "tol": 0, "n_iter_no_change": 10_000}
    makers = [getattr(module, kind) for module in (neural_network, estimators)]
    times = {"fit": ([], []), "predict": ([], [])}
    for _ in range(rounds):
        for i, make in enumerate(makers):
            model = make(**settings)
            times["fit"][i].append(seconds(model.fit, x, y))
            times["predict"][i].append(seconds(model.predict, x))
    for what, (theirs, ours) in times.items():
        ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
        print(
            f"| {name} | {what} | {1e3 * statistics.median(theirs):,.2f} | {1e3 * statistics.median(ours):,.2f} "
            f"| {statistics.median(ratios):.1f} [{min(ratios):.1f}-{max(ratios):.1f}] |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="a folder with MNIST's four files (default: drawn digits)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    works = {
        "digits 1,797 x 64, 50 epochs": digits,
        "images 60,000 x 784, (256,), float32, 3 epochs": lambda: mnist(arguments.data),
        "100,000 x 54, (128, 64), 3 epochs": cover,
        "regression 20,640 x 8, (64, 64), 5 epochs": houses,
        "iris 150 x 4, 200 epochs": iris,
        "CSR 20,000 x 100,000, 0.1 % filled, float32, 1 epoch": words,
    }
    print("| work | | scikit-learn, ms | cnet, ms | times, median [low-high] |")
    print("|---|---|---|---|---|")
    for name, make in works.items():
        compare(name, *make(), arguments.rounds)


if __name__ == "__main__":
    main()
