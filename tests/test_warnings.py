"""Warnings of inputs that are probably not what was meant: one for each call, and none on right use."""

import copy
import io
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import cnet
from cnet import model_file
from cnet.core import _inputs

RNG = np.random.default_rng(0)
PIXELS, LABELS = cnet.datasets.make_digits(200, rng=0)
UNIT = (PIXELS / np.float32(255)).astype(np.float32)
BINARY = (PIXELS > 128).astype(np.float32)
NORMAL = ((UNIT - 0.13) / 0.31).astype(np.float32)

TOLD_AS_BYTES = r"trained on numbers beyond 1: pass x\.astype\(np\.float32\)"
TOLD_AS_NUMBERS = r"whole numbers from 0 to 255.*pass x\.astype\(np\.uint8\) or x / 255$"


def trained(x, t=LABELS, **options):
    net = cnet.TwoLayerNet(x.shape[1], 8, 10, rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cnet.CnetWarning)
        net.fit(x, t[: len(x)], iterations=5, **options)
    return net


def warned(call):
    """What a call warned of, each with the line that it was told of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(one.category is cnet.CnetWarning for one in caught)
    return [str(one.message) for one in caught]


CALLS = {
    "predict": lambda net, x: net.predict(x),
    "predict of a row": lambda net, x: net.predict(x[3]),
    "loss": lambda net, x: net.loss(x, LABELS),
    "accuracy": lambda net, x: net.accuracy(x, LABELS),
    "gradient": lambda net, x: net.gradient(x, LABELS),
    "fit": lambda net, x: net.fit(x, LABELS, iterations=2),
    "fit, numerical": lambda net, x: net.fit(x, LABELS, iterations=1, batch_size=1, gradient="numerical"),
    "validation": lambda net, x: cnet.TwoLayerNet(784, 8, 10, rng=0).fit(
        {1: PIXELS, 2: UNIT, 3: NORMAL}[net._core.trained_on], LABELS, epochs=3, validation_data=(x, LABELS)
    ),
}

WRONG = {
    "uint8 after standardised": (NORMAL, PIXELS, TOLD_AS_BYTES),
    "float32 after uint8": (PIXELS, PIXELS.astype(np.float32), TOLD_AS_NUMBERS),
    "float64 after uint8": (PIXELS, PIXELS.astype(np.float64), TOLD_AS_NUMBERS),
    "int64 after uint8": (PIXELS, PIXELS.astype(np.int64), TOLD_AS_NUMBERS),
    "uint16 after floats up to 1": (UNIT, PIXELS.astype(np.uint16), TOLD_AS_NUMBERS),
    "float16 after floats up to 1": (UNIT, PIXELS.astype(np.float16), TOLD_AS_NUMBERS),
    "zeros and twos after zeros and ones": (BINARY, 2 * BINARY, TOLD_AS_NUMBERS),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("case", WRONG)
def test_inputs_scaled_otherwise_than_those_of_training(case, call):
    before, x, message = WRONG[case]
    if call == "validation" and before is BINARY:
        pytest.skip("the call above trains on three other kinds")
    found = warned(lambda: CALLS[call](trained(before), x))
    assert len(found) == 1
    assert re.search(message, found[0]), found[0]
    assert found[0].startswith("validation_data: ") == (call == "validation")


RIGHT = {
    "uint8": PIXELS, "uint8, Fortran's order": np.asfortranarray(PIXELS), "float32": UNIT,
    "float64": UNIT.astype(np.float64), "float16": UNIT.astype(np.float16), "0 and 1": BINARY,
    "bool": BINARY.astype(bool), "0 and 1 as int": BINARY.astype(int),
}


@pytest.mark.parametrize("before", [*RIGHT, None])
def test_no_warning_of_mnist_as_uint8_or_as_floats_in_any_order(before):
    net = cnet.TwoLayerNet(784, 8, 10, rng=0) if before is None else trained(RIGHT[before])
    for x in RIGHT.values():
        for call in set(CALLS) - {"fit, numerical", "validation"}:
            assert warned(lambda: CALLS[call](net, x)) == []  # noqa: B023
        assert warned(lambda: net.fit(x, LABELS, iterations=2, validation_data=(PIXELS, LABELS))) == []  # noqa: B023


@pytest.mark.parametrize("scale", [1.0, 30.0, 255.0])
def test_no_warning_of_plain_numbers_for_a_network_trained_on_plain_numbers(scale):
    x = (UNIT * np.float32(scale) - np.float32(scale / 3)).astype(np.float32)
    net = trained(x)
    for call in ("predict", "predict of a row", "loss", "fit"):
        assert warned(lambda: CALLS[call](net, x)) == []  # noqa: B023
        assert warned(lambda: CALLS[call](net, np.round(x))) == []  # noqa: B023


def test_an_untrained_network_and_one_of_an_old_file_know_nothing(tmp_path):
    net = trained(NORMAL)
    net.save(tmp_path / "net")
    tensors, metadata = model_file.read_model(tmp_path / "net")
    assert metadata.pop("trained_on") == "larger floats" and metadata["cnet_format"] == "1"
    model_file.write_model(tmp_path / "old", tensors, metadata)
    for one in (cnet.TwoLayerNet(784, 8, 10, rng=0), cnet.load(tmp_path / "old")):
        assert one._trained_on == "unknown"
        for x in (PIXELS, PIXELS.astype(float), NORMAL):
            assert warned(lambda: one.predict(x)) == []  # noqa: B023
    one.save(tmp_path / "again")
    assert "trained_on" not in model_file.read_model(tmp_path / "again")[1]


@pytest.mark.parametrize(("x", "kind"), [(PIXELS, "uint8"), (UNIT, "floats up to 1"), (NORMAL, "larger floats")])
def test_files_pickles_and_copies_keep_what_a_network_was_trained_on(x, kind):
    net, file = trained(x), io.BytesIO()
    net.save(file)
    file.seek(0)
    for one in (net, cnet.load(file), pickle.loads(pickle.dumps(net)), copy.copy(net), copy.deepcopy(net)):
        assert one._trained_on == kind
        wrong = PIXELS if kind == "larger floats" else PIXELS.astype(float)
        assert len(warned(lambda: one.predict(wrong))) == 1  # noqa: B023


@pytest.mark.parametrize("kind", ["pixels", "", "unknown ", "UINT8"])
def test_files_that_tell_another_kind_are_refused(tmp_path, kind):
    trained(UNIT).save(tmp_path / "net")
    tensors, metadata = model_file.read_model(tmp_path / "net")
    model_file.write_model(tmp_path / "net", tensors, {**metadata, "trained_on": kind})
    with pytest.raises(ValueError, match="trained_on must be one of 'unknown', 'uint8'"):
        cnet.load(tmp_path / "net")


def test_the_last_fit_counts():
    net = trained(PIXELS)
    assert len(warned(lambda: net.fit(PIXELS.astype(float), LABELS, iterations=2))) == 1
    assert warned(lambda: net.predict(PIXELS.astype(float))) == []
    assert len(warned(lambda: net.predict(PIXELS))) == 1


def test_the_warning_is_told_of_the_callers_line():
    net = trained(NORMAL)

    class Own(cnet.TwoLayerNet):
        pass

    own = Own(784, 8, 10, rng=0)
    for call in (lambda: net.predict(PIXELS), lambda: net.numerical_gradient(PIXELS[:1], LABELS[:1]),
                 lambda: own.fit(BINARY.astype(np.uint8), LABELS, iterations=1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [(one.filename, one.lineno) for one in caught] == [(__file__, call.__code__.co_firstlineno)]


def test_a_warning_that_is_an_error_changes_nothing():
    net = trained(PIXELS)
    before = net.params.copy()
    with pytest.raises(cnet.CnetWarning, match="x holds whole numbers"):
        net.fit(PIXELS.astype(float), LABELS, epochs=3)
    assert net.params == before and net._trained_on == "uint8" and net.iterations == 5
    with pytest.raises(cnet.CnetWarning):
        net.loss(PIXELS.astype(float), LABELS)
    net.fit(PIXELS, LABELS, iterations=1)


def test_rare_pixels_in_many_rows():
    """Few values are looked at, but in other columns of each row."""
    sparse = np.zeros((200, 784))
    sparse[:, 5] = 7
    assert len(warned(lambda: trained(UNIT).predict(sparse))) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x", "unlike"),
    [
        ([[0, 0, 2]], True), ([[0, 1, 255]], True), ([[0, 1, 1]], False), ([[0, 0.5, 2]], False),
        ([[0, 0, 256]], False), ([[0, -1, 2]], False), ([[1, 1, 1.5]], False), ([[2, 2, 2], [2, 2, 2.5]], False),
        ([[0, 0, 0]] * 300 + [[0, 0.5, 3]], False), ([[3, 0, 0]] * 2000, True), ([[np.nan, 2, 2]], False),
        ([[np.inf, 2, 2]], False),
    ],
)
def test_what_pixels_look_like(x, unlike, dtype):
    x = np.array(x, dtype)
    assert [_inputs.look_unlike(x, kind) for kind in range(4)] == [False, unlike, unlike, False]
    assert not _inputs.look_unlike(np.ones((2, 3), np.uint8), 1) and _inputs.look_unlike(np.ones((2, 3), np.uint8), 3)


# ---- in fit only ----

def fit_warns(x):
    t = np.arange(len(x)) % 3
    return warned(lambda: cnet.TwoLayerNet(x.shape[1], 4, 3, rng=0).fit(x, t, iterations=200))


ONE_HOT = np.eye(6, dtype=np.uint8)[RNG.integers(0, 6, 64)]
TABLE = np.column_stack([RNG.normal(50_000, 20_000, 64), RNG.random(64), RNG.integers(0, 2, 64), np.ones(64)])
BOARD = RNG.integers(-6, 7, (64, 9))
WRAPPED = RNG.integers(0, 256, (64, 9)).astype(np.uint8)

FIT_WARNS = [
    (ONE_HOT, r"uint8.*none is above 1.*x\.astype\(np\.float32\)$"),
    (WRAPPED.view(np.int8), r"from -128 to 127.*x\.astype\(np\.uint8\)"),
    (WRAPPED.view(np.int8).astype(np.int32), r"x\.astype\(np\.uint8\)"),
    (WRAPPED.astype(np.int16) - 128, r"x\.astype\(np\.uint8\)"),
    (TABLE, r"column 0 over .*column 1 over .*standardise.*std\(axis=0\), without the columns that never change$"),
    (TABLE[:, :3].astype(np.float32), r"standardise.*std\(axis=0\)$"),
    ((TABLE * 10).astype(np.int64), "standardise"),
    (np.column_stack([np.arange(64) * 2.0, np.arange(64) / 1000]), "column 0 over 126, column 1 over 0.063"),
]

FIT_IS_SILENT = [
    ONE_HOT.astype(np.float32), ONE_HOT.astype(bool), np.zeros((64, 4), np.uint8), np.full((64, 4), 2, np.uint8),
    BOARD.astype(np.int8), BOARD, BOARD * 10, TABLE[:31], ONE_HOT[:31], WRAPPED[:31].view(np.int8), WRAPPED,
    WRAPPED.astype(np.float32), WRAPPED.astype(np.int64), WRAPPED / 255,
    (TABLE[:, :2] - TABLE[:, :2].mean(axis=0)) / TABLE[:, :2].std(axis=0),
    # The one without the other: a ratio beyond 1,000, but none reaches 100; 100 is reached, but at a ratio of 1,000.
    np.column_stack([np.linspace(0, 99, 64), np.linspace(0, 0.01, 64)]),
    np.column_stack([np.linspace(0, 500, 64), np.linspace(0, 0.5, 64)]),
    np.column_stack([np.linspace(0, 5000, 64), np.full(64, 3.0)]),
]


@pytest.mark.parametrize(("x", "message"), FIT_WARNS)
def test_a_fit_warns_of(x, message):
    found = fit_warns(x)
    assert len(found) == 1
    assert re.search(message, found[0]), found[0]


@pytest.mark.parametrize("x", FIT_IS_SILENT, ids=range(len(FIT_IS_SILENT)))
def test_a_fit_does_not_warn_of(x):
    assert fit_warns(x) == []


def test_what_a_fit_warns_of_a_prediction_does_not():
    net = cnet.TwoLayerNet(4, 4, 3, rng=0)
    assert warned(lambda: net.predict(TABLE)) == warned(lambda: net.loss(TABLE, np.zeros(64, int))) == []


def test_two_faults_are_one_warning():
    net = cnet.TwoLayerNet(4, 4, 3, rng=0)
    data = (np.full((64, 4), 200, np.uint8), np.zeros(64, int))
    found = warned(lambda: net.fit(TABLE, np.arange(64) % 3, epochs=3, validation_data=data))
    assert len(found) == 1 and "standardise" in found[0] and "Also: validation_data: x is uint8" in found[0]


def test_a_rare_count_is_no_number_up_to_1():
    """A right use: columns of 0 and 1, and now and then a 7 that few rows tell of."""
    x = (RNG.random((5000, 20)) < 0.3).astype(np.float32)
    x[1, 3] = 7
    net = trained(x, np.zeros(5000, int), batch_size=5000)
    assert net._trained_on == "larger floats" and warned(lambda: net.predict(x)) == []


def test_rows_that_a_fit_never_reaches_may_hold_anything():
    x = UNIT.copy()
    net = cnet.TwoLayerNet(784, 8, 10, rng=0)
    for row in range(200):
        x[row, 3] = np.nan
        try:
            with np.errstate(all="raise"):
                assert warned(lambda: net.fit(x, LABELS, iterations=1, batch_size=1, rng=1)) == []
        except ValueError:
            x[row, 3] = 0
    assert np.isnan(x).sum() == 199


def test_extreme_numbers_are_compared_without_overflow():
    x = RNG.uniform(-1, 1, (64, 3))
    x[:, 0] *= 1.7e308
    with np.errstate(all="raise"):
        found = warned(lambda: cnet.TwoLayerNet(3, 4, 3, 0, dtype=np.float64, rng=0).fit(
            x, np.arange(64) % 3, iterations=1, learning_rate=1e-320))
    assert len(found) == 1 and "standardise" in found[0]


def test_the_usual_filter_shows_it_once_for_each_line():
    program = """
import numpy as np, cnet
x = np.full((64, 4), 1, np.uint8)
net = cnet.TwoLayerNet(4, 3, 2, rng=0)
for _ in range(3):
    net.fit(x, np.zeros(64, int), iterations=1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.startswith("<string>:6: CnetWarning: x is uint8") and done.stderr.count("CnetWarning") == 1
