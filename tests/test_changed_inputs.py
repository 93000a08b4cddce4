"""What noise on inputs and moved inputs have in common: the first layer's way, threads, and what is refused."""

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core._inputs import CompressedRows
from cnet.core._trainer import Trainer
from cnet.options import FitOptions

OPTIONS = {"input_noise": 0.3, "adversarial": 0.1}


@pytest.mark.parametrize("option", OPTIONS)
def test_predictions_are_of_inputs_as_they_are_and_go_the_way_of_the_data(option):
    x, t = cnet.datasets.make_digits(300, rng=0)
    for inputs, way in [(x, "sparse"), (255 - x, "dense")]:
        net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        net.fit(inputs, t, epochs=2, **{option: OPTIONS[option]})
        assert net._core.first_layer == way
        np.testing.assert_array_equal(net.predict(inputs), net.predict(inputs))
        expected = reference.predict(dict(net.params), inputs, "sigmoid")
        np.testing.assert_allclose(net.predict(inputs), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("option", OPTIONS)
def test_it_trains_with_distorted_images_at_any_number_of_threads(option):
    x, t = cnet.datasets.make_digits(100, rng=0)
    results = []
    for n_threads in (1, 2):
        net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        net.fit(x, t, epochs=3, augment=cnet.augment.Distort(mixup=0.5), n_threads=n_threads,
                **{option: OPTIONS[option]})
        results.append([array.tobytes() for array in net.params.values()])
    assert results[0] == results[1]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(("given", "error", "message"), [
    (-0.1, ValueError, "must be finite and not negative, got -0.1"), (np.nan, ValueError, "must be finite"),
    (np.inf, ValueError, "must be finite"), (1e7, ValueError, r"must be at most 1e\+06, got 1e\+07"),
    *[(wrong, TypeError, "must be a number") for wrong in ("0.1", None, True)],
])
def test_what_is_refused(option, given, error, message):
    net = cnet.TwoLayerNet(2, 3, 2, rng=0)
    with pytest.raises(error, match=f"{option} {message}"):
        net.fit(np.eye(2), [0, 1], iterations=1, **{option: given})
    with pytest.raises(ValueError, match=f'gradient="numerical" goes without {option}, got 0.5'):
        net.fit(np.eye(2), [0, 1], iterations=1, gradient="numerical", **{option: 0.5})


@pytest.mark.parametrize("option", OPTIONS)
def test_compressed_rows_cannot_hold_it(option):
    rows = CompressedRows(np.ones(1), np.zeros(1, np.int32), np.array([0, 1]), 99)
    net = cnet.TwoLayerNet(99, 3, 2, dtype="float64", rng=0)
    with pytest.raises(ValueError, match=f"{option} fills every input, which compressed rows cannot hold"):
        Trainer(net._core, rows, [0], None, FitOptions(**{option: 0.1}), key=0, first_epoch=0, iterations=1)
