"""scikit-learn's perceptrons beside cnet's, fit by fit, with the same settings. See README.md."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse
from harness import environment
from sklearn import datasets


def digits():
    x, y = datasets.load_digits(return_X_y=True)
    return "MLPClassifier", x / 16, y, {"max_iter": 50}


def digits_lbfgs():
    kind, x, y, _ = digits()
    return kind, x, y, {"solver": "lbfgs", "max_iter": 50}


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
    # scipy.sparse.random would draw from all 2,000,000,000 places, in 15 GB.
    n = 2_000_000
    places = rng.integers(0, 20_000, n), rng.integers(0, 100_000, n)
    x = scipy.sparse.csr_matrix((rng.random(n, np.float32), places), (20_000, 100_000))
    return "MLPClassifier", x, rng.integers(0, 4, 20_000), {"max_iter": 1}


WORKS = {
    "digits": ("digits 1,797 x 64, 50 epochs", digits),
    "lbfgs": ("digits, lbfgs, 50 iterations", digits_lbfgs),
    "images": ("images 60,000 x 784, (256,), float32, 3 epochs", mnist),
    "cover": ("100,000 x 54, (128, 64), 3 epochs", cover),
    "houses": ("regression 20,640 x 8, (64, 64), 5 epochs", houses),
    "iris": ("iris 150 x 4, 200 epochs", iris),
    "words": ("CSR 20,000 x 100,000, 0.1 % filled, float32, 1 epoch", words),
}

# Threads of a BLAS wait busily for some time after their last product, and would take a processor from who comes next.
REST = 0.3


def seconds(call, *arguments):
    """Seconds of a call, in the middle of others: the median of a third of a second's calls after the first."""
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


def work(module, name, folder):
    """One of the two, in a process of its own: it sleeps until a line comes, and answers with two times."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    make = WORKS[name][1]
    kind, x, y, settings = make(folder) if make is mnist else make()
    if module == "sklearn":
        from sklearn import neural_network as classes
    else:
        from cnet import estimators as classes
    settings = settings | {"random_state": 0, "tol": 0, "n_iter_no_change": 10_000}
    model = getattr(classes, kind)(**settings).fit(x, y)
    answers.write(json.dumps([*getattr(model, "loss_curve_", [])[:1], model.loss_]) + "\n")
    for _ in sys.stdin:
        model = getattr(classes, kind)(**settings)
        answers.write(json.dumps([seconds(model.fit, x, y), seconds(model.predict, x)]) + "\n")


class Contender:
    """A process that measures when it is asked."""

    def __init__(self, module, name, folder, path=None):
        # Pools have as many threads as there are processors, as they have by default.
        env = environment(os.cpu_count(), path)
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--work", module, name, folder or ""], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=env,
        )
        self.losses = json.loads(self.process.stdout.readline())
        self.times = []

    def measure(self):
        time.sleep(REST)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.times.append(json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(name, folder, rounds, before):
    """Print medians of fits and of predictions, all in turn."""
    # Started and prepared one after the other, so that none computes while another one measures.
    contenders = [Contender("sklearn", name, folder), Contender("cnet", name, folder)]
    if before:
        contenders.append(Contender("cnet", name, folder, before))
    for other in contenders[1:]:
        # The same start and the same batches: the last loss differs by roundings.
        if not np.allclose(other.losses, contenders[0].losses, rtol=2e-2):
            raise SystemExit(f"{name}: different losses, {contenders[0].losses} and {other.losses}")
    for _ in range(rounds):
        for each in contenders:
            each.measure()
    for each in contenders:
        each.close()
    for i, what in enumerate(("fit", "predict")):
        times = [[1e3 * pair[i] for pair in each.times] for each in contenders]
        ratios = [[a / b for a, b in zip(each, times[1], strict=True)] for each in times[:1] + times[2:]]
        cells = [f"{statistics.median(each):,.2f}" for each in times]
        cells += [f"{statistics.median(each):.1f} [{min(each):.1f}-{max(each):.1f}]" for each in ratios[:1]]
        cells += [f"{statistics.median(each):.2f} [{min(each):.2f}-{max(each):.2f}]" for each in ratios[1:]]
        print(f"| {WORKS[name][0]} | {what} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="a folder with MNIST's four files (default: drawn digits)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--works", default=",".join(WORKS), help="some of: %(default)s")
    parser.add_argument("--before", help="a checkout of another commit, compiled, which takes part in turn")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return
    more = " before, ms | times | before |" if arguments.before else " times, median [low-high] |"
    print(f"| work | | scikit-learn, ms | cnet, ms |{more}")
    print("|---" * (7 if arguments.before else 5) + "|")
    for name in arguments.works.split(","):
        compare(name, arguments.data, arguments.rounds, arguments.before)


if __name__ == "__main__":
    main()
