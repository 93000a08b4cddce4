"""Initial weights that are local, against SciPy's smoothing and the formula in the docstring, unit by unit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

import cnet


def expected_weights(side, n_units, seed):
    generator = np.random.Generator(np.random.Philox(key=seed))
    noise = generator.standard_normal((side * side, n_units)).T.reshape(n_units, side, side)
    row, column = generator.uniform(side / 7 - 0.5, side * 6 / 7 - 0.5, (2, n_units))
    radius = max(side / 2.8, 2)
    weights = np.zeros((side * side, n_units))
    for h in range(n_units):
        smooth = noise[h]
        for axis in (0, 1):
            smooth = ndimage.convolve1d(smooth, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="constant")
        for r in range(side):
            for c in range(side):
                distance = np.hypot(r - row[h], c - column[h])
                if distance < radius:
                    weights[r * side + c, h] = smooth[r, c] * (1 - distance**2 / radius**2) ** 2
        weights[:, h] *= np.sqrt(0.4) / np.linalg.norm(weights[:, h])
    return weights


@pytest.mark.parametrize("side", [1, 2, 3, 8, 28])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_weights_are_smooth_filters_in_spots(side, dtype):
    net = cnet.MultiLayerNet(side * side, [17, 9], 3, "gelu", "local", dtype=dtype, rng=5)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    assert_allclose(net.params["W1"], expected_weights(side, 17, net.seed), rtol=0, atol=tolerance)
    assert not net.params["b1"].any()
    same = cnet.TwoLayerNet(side * side, 17, 3, "local", activation="relu", dtype=dtype, rng=5)
    assert (same.params["W1"] == net.params["W1"]).all()


def test_the_other_layers_are_as_he_has_them():
    net = cnet.MultiLayerNet(9, [300, 400], 500, "relu", "local", rng=0)
    for name, n_in in (("W2", 300), ("W3", 400)):
        assert net.params[name].std() == pytest.approx((2 / n_in) ** 0.5, rel=0.02)


@pytest.mark.parametrize("n_in", [2, 783, 785])
def test_images_must_be_square(n_in):
    message = f"weight_init_std = 'local' is for square images; no square has {n_in} pixels"
    with pytest.raises(ValueError, match=message):
        cnet.TwoLayerNet(n_in, 5, 2, "local")
    with pytest.raises(ValueError, match=message):
        cnet.MultiLayerNet(n_in, [5], 2, "relu", "local")


def test_strokes_move_units_about_as_much_as_by_the_rule_of_he():
    x, _ = cnet.datasets.make_digits(500, rng=0)
    moved = [np.median((x @ cnet.TwoLayerNet(784, 400, 10, rule, rng=0).params["W1"]).std(0))
             for rule in ("he", "local")]
    assert 0.7 < moved[1] / moved[0] < 2
