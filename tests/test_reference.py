"""The specification itself, against finite differences and published values."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

from cnet import reference

ACTIVATIONS = ["sigmoid", "relu", "tanh"]


def small_problem(sizes=(5, 4, 3), n=6, seed=0):
    rng = np.random.default_rng(seed)
    n_in, n_hidden, n_out = sizes
    params = {
        "W1": rng.normal(0, 1, (n_in, n_hidden)), "b1": rng.normal(0, 0.5, n_hidden),
        "W2": rng.normal(0, 1, (n_hidden, n_out)), "b2": rng.normal(0, 0.5, n_out),
    }
    return params, rng.normal(0, 1, (n, n_in)), rng.integers(0, n_out, n)


@pytest.mark.parametrize(
    ("key", "sample", "epoch", "purpose", "expected"),
    [
        (0, 0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (2**64 - 1, 2**64 - 1, 2**32 - 1, 2**32 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            0x299F31D0A4093822, 0x85A308D3243F6A88, 0x13198A2E, 0x03707344,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(key, sample, epoch, purpose, expected):
    words = reference.philox4x32(key, np.array([sample], np.uint64), epoch, purpose)
    assert tuple(int(word) for word in words[0]) == expected


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_agrees_with_central_differences(activation):
    params, x, t = small_problem()
    by_backpropagation = reference.gradient(params, x, t, activation)
    by_differences = reference.numerical_gradient(params, x, t, activation)
    for name in params:
        np.testing.assert_allclose(by_backpropagation[name], by_differences[name], rtol=0, atol=1e-8)


def test_loss_of_equal_scores_is_the_logarithm_of_their_number():
    params = {"W1": np.zeros((3, 2)), "b1": np.zeros(2), "W2": np.zeros((2, 5)), "b2": np.zeros(5)}
    assert reference.loss(params, np.ones((4, 3)), np.array([0, 1, 2, 3]), "sigmoid") == pytest.approx(np.log(5))


def test_shuffle_is_a_permutation_and_differs_by_epoch():
    first, second = reference.shuffle_rows(7, 0, 101), reference.shuffle_rows(7, 1, 101)
    assert sorted(first) == sorted(second) == list(range(101))
    assert (first != second).sum() > 80


def test_draws_are_even():
    drawn = reference.draw_rows(3, 0, 100_000, 10)
    counts = np.bincount(drawn, minlength=10)
    # Five standard deviations of a binomial of 100,000 draws at 1/10.
    assert abs(counts - 10_000).max() < 5 * np.sqrt(100_000 * 0.1 * 0.9)


@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
def test_fit_brings_the_loss_down(sampling):
    params, x, _ = small_problem(n=40)
    t = (x[:, 0] > 0).astype(int)
    losses = reference.fit(
        params, x, t, "tanh", iterations=200, batch_size=7, learning_rate=0.3, sampling=sampling, key=1
    )
    assert losses[-20:].mean() < 0.5 * losses[:5].mean()


@pytest.mark.parametrize("path", sorted(Path(reference.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_nothing_but_numpy_and_itself(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level != 1:
            names = [node.module or "..."]
        else:
            continue
        assert {name.partition(".")[0] for name in names} <= {"numpy", *sys.stdlib_module_names}
