"""Networks as C: they compile without a warning, link together, and compute what predict does."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.activations import ACTIVATIONS
from cnet.export import c_text
from cnet.export.description import OUTPUTS
from cnet.export.rounding import quantized

HERE = Path(__file__).parent
WARNINGS = """
    -std=c99 -Wall -Wextra -pedantic -Wconversion -Wshadow -Wdouble-promotion -Wcast-qual -Wmissing-prototypes
    -Wstrict-prototypes -Wundef -Werror
""".split()
FORMS = ("float32", "int8")


def needs(program):
    missing = shutil.which(program) is None or sys.platform == "win32"
    return pytest.mark.skipif(missing, reason=f"{program} is not installed: it compiles or runs exported C")


COMPILERS = [pytest.param(name, marks=needs(name)) for name in ("gcc", "clang")]


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=300, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compiled(compiler, folder, *sources):
    """The sources as one library, all of whose symbols must differ."""
    library = folder / f"{Path(sources[-1]).stem}.so"
    run(compiler, *WARNINGS, "-O2", "-shared", "-fPIC", *sources, "-o", library, "-lm")
    return ctypes.CDLL(str(library))


def answers(library, name, x, n_outputs):
    """What a library's function makes of each row; of bytes, that for pixels."""
    function = getattr(library, f"{name}_predict_pixels" if x.dtype == np.uint8 else f"{name}_predict")
    rows = np.ascontiguousarray(x if x.dtype == np.uint8 else x.astype(np.float32))
    y = np.full((len(rows), n_outputs), np.nan, np.float32)
    for row, result in zip(rows, y, strict=True):
        function(row.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p))
    return y


@pytest.mark.parametrize("compiler", COMPILERS)
def test_twenty_networks_link_into_one_library_and_predict(cases, compiler, tmp_path):
    roundings = {
        (form, number): cnet.export.c(net, tmp_path / f"{form}_{number}.c", weights=form, x=x)
        for form in FORMS for number, (net, x, _) in enumerate(cases)
    }
    library = compiled(compiler, tmp_path, *sorted(tmp_path.glob("*.c")))
    for (form, number), rounding in roundings.items():
        net, x, expected = cases[number]
        y = answers(library, f"{form}_{number}", x, net.sizes[-1])
        if form == "float32":
            np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(y, net.predict(x), rtol=1e-5, atol=1e-5)
            assert rounding.largest == 0 or net.dtype == np.float64
            assert rounding.bytes == 4 * sum(array.size for array in net.params.values())
        else:
            # What was measured is what compiled code shows.
            assert np.abs(y - expected).max() == pytest.approx(rounding.largest, rel=1e-3, abs=2e-6)
            assert 0 < rounding.largest < 0.05 * max(1, np.abs(expected).max())
        changed = None
        if net.loss_function.name == "cross_entropy":
            changed = (y.argmax(axis=1) != expected.argmax(axis=1)).mean()
            classify = getattr(library, f"{form}_{number}_class")
            assert [classify(row.ctypes.data_as(ctypes.c_void_p)) for row in y] == y.argmax(axis=1).tolist()
        elif net.loss_function.name == "binary_cross_entropy":
            changed = ((y > 0.5) != (expected > 0.5)).any(axis=1).mean()
        assert rounding.changed == changed and rounding.samples == len(x)


@needs("gcc")
def test_stacks_stay_small(tmp_path):
    net = cnet.MultiLayerNet(3, [20_000, 3, 20_000, 3], 2, ["silu", "gelu", "elu", "tanh"], rng=0)
    rounding = cnet.export.c(net, tmp_path / "wide.c", weights="int8")
    if "clang" not in run("gcc", "--version"):
        run("gcc", *WARNINGS, "-O2", "-Wstack-usage=256", "-c", tmp_path / "wide.c", "-o", tmp_path / "wide.o")
    assert "wide_work = 20000\n" not in (tmp_path / "wide.h").read_text()
    assert "wide_work = 20003\n" in (tmp_path / "wide.h").read_text()
    assert rounding.bytes == sum(
        array.size if name[0] == "W" else 8 * array.size for name, array in net.params.items())


@needs("gcc")
def test_with_memory_of_the_callers(cases, tmp_path):
    """The same bits, and nothing is written beyond what the header says."""
    for number, (net, *_) in enumerate(cases):
        cnet.export.c(net, tmp_path / f"n{number}.c")
    library = compiled("gcc", tmp_path, *tmp_path.glob("*.c"))
    for number, (net, x, _) in enumerate(cases):
        name = f"n{number}"
        n_work = int(re.search(rf"{name}_work = (\d+)", (tmp_path / f"{name}.h").read_text())[1])
        hidden = net.sizes[1:-1]
        assert n_work == max(1, max(hidden[0::2], default=0) + max(hidden[1::2], default=0))
        x = (x / 255 if x.dtype == np.uint8 else x).astype(np.float32)
        expected = answers(library, name, x, net.sizes[-1])
        work, y = np.full(n_work + 2, 7, np.float32), np.full(net.sizes[-1] + 2, 7, np.float32)
        getattr(library, f"{name}_predict_with")(
            x[0].ctypes.data_as(ctypes.c_void_p), y[1:].ctypes.data_as(ctypes.c_void_p),
            work[1:].ctypes.data_as(ctypes.c_void_p))
        np.testing.assert_array_equal(y[1:-1], expected[0])
        assert [y[0], y[-1], work[0], work[-1]] == [7, 7, 7, 7]


MAIN = """
#include <stdio.h>
#include "first.h"
#include "second.h"

int main()
{
    float x[first_inputs] = {0.5f, -1.0f, 2.0f}, y[first_outputs], z[second_outputs];
    first_predict(x, y);
    second_predict(y, z);
    printf("%.9g %.9g %d", z[0], z[1], second_class(z));
    return 0;
}
"""


@needs("gcc")
@needs("g++")
@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_two_networks_in_one_program(compiler, tmp_path):
    """In C, and their headers in C++."""
    first = cnet.MultiLayerNet(3, [4], 2, "gelu", loss="squared_error", rng=0)
    second = cnet.MultiLayerNet(2, [5, 4], 2, "silu", rng=1)
    main = tmp_path / ("main.c" if compiler == "gcc" else "main.cpp")
    main.write_text(MAIN)
    objects = []
    for name, net in (("first", first), ("second", second)):
        cnet.export.c(net, tmp_path / f"{name}.c")
        objects.append(tmp_path / f"{name}.o")
        run("gcc", *WARNINGS, "-c", tmp_path / f"{name}.c", "-o", objects[-1])
    run(compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", main, *objects, "-o", tmp_path / "main", "-lm")
    *y, label = map(float, run(tmp_path / "main").split())
    expected = second.predict(first.predict([0.5, -1, 2]))
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert label == expected.argmax()


@needs("gcc")
def test_the_program_on_the_page(tmp_path):
    page = (HERE.parents[1] / "docs" / "exporting.rst").read_text(encoding="utf-8")
    program = textwrap.dedent(re.search(r"code-block:: c\n\n((?:   .*\n|\n)+)", page)[1])
    (tmp_path / "main.c").write_text(program)
    net = cnet.TwoLayerNet(784, 5, 10, "he", rng=0)
    cnet.export.c(net, tmp_path / "digits.c")
    run("gcc", *WARNINGS[:3], "-Werror", tmp_path / "main.c", tmp_path / "digits.c", "-o", tmp_path / "digits", "-lm")
    image = cnet.datasets.make_digits(1, rng=0)[0]
    (tmp_path / "image").write_bytes(image.tobytes())
    with open(tmp_path / "image", "rb") as file:
        printed = run(tmp_path / "digits", stdin=file)
    y = net.predict(image)[0]
    assert printed == f"{y.argmax()}: {100 * y.max():.1f} %\n"


@needs("gcc")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_far_values(activation, tmp_path):
    net = cnet.MultiLayerNet(1, [1], 2, activation, loss="binary_cross_entropy", rng=0)
    net.params.update({"W1": [[1.0]], "W2": [[1.0, -1.0]]})
    x = np.array([[-1e30], [-200.0], [-12.0], [0.0], [12.0], [200.0], [1e30]])
    cnet.export.c(net, tmp_path / "far.c")
    y = answers(compiled("gcc", tmp_path, tmp_path / "far.c"), "far", x, 2)
    np.testing.assert_allclose(y, net.predict(x), atol=1e-6)


@needs("gcc")
def test_numbers_at_the_ends_of_the_range(tmp_path):
    """Each comes back with its bits."""
    values = np.array([[1e-45, 1.1754944e-38, 3.4028235e38, -0.0, 0.1, 16777216, 1, -123456.79]], np.float32)
    for number, numbers in enumerate((values, -values, values[:, ::-1] * np.float32(0.5))):
        nothing = np.zeros_like(numbers)
        for name, weights, biases in ((f"w{number}", numbers, nothing), (f"b{number}", nothing, numbers)):
            net = cnet.MultiLayerNet(1, [], 8, loss="squared_error", rng=0)
            net.params.update({"W1": weights, "b1": biases[0]})
            cnet.export.c(net, tmp_path / f"{name}.c")
            y = answers(compiled("gcc", tmp_path, tmp_path / f"{name}.c"), name, np.ones((1, 1)), 8)
            np.testing.assert_array_equal(y, numbers)


@needs("gcc")
def test_nan_is_not_hidden(tmp_path):
    net = cnet.MultiLayerNet(2, [3], 1, "relu", loss="squared_error", rng=0)
    cnet.export.c(net, tmp_path / "nan.c")
    library = compiled("gcc", tmp_path, tmp_path / "nan.c")
    assert np.isnan(answers(library, "nan", np.array([[0.0, np.nan]]), 1)).all()


CPUS = {
    # Without a floating-point unit, and with one of single precision.
    "mps2-an385": ["-mcpu=cortex-m3", "-mthumb"],
    "mps2-an386": ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
}


@needs("arm-none-eabi-gcc")
@needs("qemu-system-arm")
@pytest.mark.parametrize("machine", CPUS)
def test_a_bare_cortex_m(cases, machine, tmp_path):
    options = CPUS[machine]
    for net, x, expected in cases[::4]:
        x = (x[:3] / 255 if x.dtype == np.uint8 else x[:3]).astype(np.float32)
        for form in FORMS:
            rounding = cnet.export.c(net, tmp_path / "model.c", weights=form, x=x)
            rows = ", ".join("{" + ", ".join(f"{value:.9e}f" for value in row) + "}" for row in x)
            (tmp_path / "samples.h").write_text(
                f"enum {{ n_samples = {len(x)} }};\nstatic const float samples[][{x.shape[1]}] = {{{rows}}};\n")
            run("arm-none-eabi-gcc", *options, *WARNINGS, "-Os", "-c", tmp_path / "model.c", "-o", tmp_path / "model.o")
            run("arm-none-eabi-gcc", *options, "-Os", "-nostartfiles", "--specs=nosys.specs", f"-I{tmp_path}", "-T",
                HERE / "cortex.ld", HERE / "cortex.c", tmp_path / "model.o", "-lm", "-o", tmp_path / "program")
            printed = subprocess.run(
                ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none",
                 "-semihosting-config", "enable=on,target=native", "-kernel", str(tmp_path / "program")],
                capture_output=True, text=True, timeout=60, check=True)
            bits = (printed.stdout + printed.stderr).split()
            y = np.array([int(word, 16) for word in bits], np.uint32).view(np.float32).reshape(len(x), -1)
            if form == "float32":
                np.testing.assert_allclose(y, expected[:3], rtol=1e-5, atol=1e-5)
            else:
                assert np.abs(y - expected[:3]).max() <= rounding.largest * 1.001 + 2e-6


@needs("gcc")
@pytest.mark.mnist
@pytest.mark.slow
def test_eight_bits_read_mnist(mnist_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("CNET_DATA", str(mnist_dir))
    (x, t), (x_test, t_test) = cnet.datasets.load_mnist(normalize=False)
    net = cnet.TwoLayerNet(784, 50, 10, "he", activation="relu", rng=0)
    net.fit(x, t, epochs=20)
    y = net.predict(x_test)
    cnet.export.c(net, tmp_path / "whole.c")
    rounding = cnet.export.c(net, tmp_path / "eighth.c", weights="int8", x=x_test)
    library = compiled("gcc", tmp_path, *tmp_path.glob("*.c"))
    whole, eighth = (answers(library, name, x_test, 10) for name in ("whole", "eighth"))
    np.testing.assert_allclose(whole, y, atol=1e-5)
    same = (eighth.argmax(axis=1) == y.argmax(axis=1)).mean()
    assert same >= 0.995 and same == pytest.approx(1 - rounding.changed, abs=2e-4)
    assert abs((eighth.argmax(axis=1) == t_test).mean() - net.accuracy(x_test, t_test)) < 0.002
    assert rounding.samples == 10_000 and rounding.bytes == 784 * 50 + 50 * 10 + 2 * 4 * 60


def test_weights_are_rounded_to_the_nearest_of_their_units_numbers():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(50, 7)) * 10.0 ** np.arange(-3, 4)
    weights[:, 2] = 0
    integers, scales = quantized(weights)
    assert integers.dtype == np.int8 and np.abs(integers.astype(int)).max(axis=0).tolist() == [127, 127, 0] + 4 * [127]
    np.testing.assert_allclose(scales, np.abs(weights).max(axis=0) / 127, rtol=1e-7)
    assert (np.abs(integers * scales.astype(float) - weights) <= 0.5001 * scales).all()
    # Too small for a scale in float32.
    tiny = quantized(np.full((2, 1), 1e-45, np.float32))
    assert np.isfinite(tiny.scales).all()


def test_there_is_an_expression_for_every_activation_and_output():
    assert set(c_text.UNITS) | {"identity", "softmax"} == {*ACTIVATIONS, *OUTPUTS}


def test_the_heads_say_what_is_stored_and_what_it_changes(tmp_path):
    net = cnet.MultiLayerNet(4, [3], 2, ["gelu"], rng=0)
    rounding = cnet.export.c(net, tmp_path / "model.c", name="small", weights="int8")
    assert rounding.samples == 1000
    for name in ("model.c", "model.h"):
        text = " ".join((tmp_path / name).read_text().split())
        assert "4-3-2, gelu, cross_entropy. Written by cnet.export.c" in text
        assert f"Weights: int8; with biases {rounding.bytes} bytes of constants. Rounding them {rounding}." in text
    assert "small_predict(const float *x, float *y);" in (tmp_path / "model.h").read_text()
    assert cnet.export.c(net, tmp_path / "model.c") == (4 * 23, 0, 0, 1000)
    assert "Rounding them changes no prediction of 1,000 samples" in (tmp_path / "model.h").read_text()


def test_samples_that_a_network_has_not_brought_along(tmp_path):
    digits = cnet.TwoLayerNet(784, 5, 10, "he", rng=0)
    assert cnet.export.c(digits, tmp_path / "digits.c", weights="int8").samples == 1000
    pixels = cnet.TwoLayerNet(9, 3, 2, rng=0)
    pixels.fit(np.arange(90, dtype=np.uint8).reshape(10, 9), np.arange(10) % 2, epochs=1)
    assert cnet.export.c(pixels, tmp_path / "pixels.c", weights="int8").samples == 1000
    assert "pixels divided by 255, or bytes for pixels_predict_pixels." in (tmp_path / "pixels.h").read_text()
    counts = cnet.MultiLayerNet(1, [], 1, loss="poisson", dtype="float64", rng=0)
    counts.params["W1"] = [[1234.56789012345]]
    assert cnet.export.c(counts, tmp_path / "counts.c", x=[[-1.0], [1e9]]).largest == 0
    for x, error in (([1.0], ValueError), (np.zeros((0, 1)), ValueError), ([[1.0, 2.0]], ValueError),
                     ([[np.nan]], ValueError), ([["a"]], TypeError)):
        with pytest.raises(error, match="x"):
            cnet.export.c(counts, tmp_path / "counts.c", x=x)


@pytest.mark.parametrize("name", ["", "9a", "_a", "a-b", "a b", "é", "a" * 32, "a;b", "int main", "a\n", "*/"])
def test_hostile_names(network, tmp_path, name):
    with pytest.raises(ValueError, match="name must be 1 to 31 letters"):
        cnet.export.c(network, tmp_path / "model.c", name=name)
    assert os.listdir(tmp_path) == []


def test_names_of_the_wrong_type(network, tmp_path):
    with pytest.raises(TypeError, match="name must be a string, got bytes"):
        cnet.export.c(network, tmp_path / "model.c", name=b"model")
    with pytest.raises(TypeError, match="weights must be a string"):
        cnet.export.c(network, tmp_path / "model.c", weights=np.int8)
    with pytest.raises(ValueError, match="weights must be one of 'float32', 'int8', got 'int4'"):
        cnet.export.c(network, tmp_path / "model.c", weights="int4")


@needs("gcc")
@pytest.mark.parametrize(("file", "name", "expected"), [
    ("my model.c", None, "my_model"), ("a.b-c+d.c", None, "a_b_c_d"), ("数字.c", "digits", "digits"),
    ("int.c", None, "int"), ("A" * 31 + ".c", None, "A" * 31),
])
def test_unusual_names_of_files(network, tmp_path, file, name, expected):
    cnet.export.c(network, tmp_path / file, name=name)
    x = np.ones((1, 4))
    y = answers(compiled("gcc", tmp_path, tmp_path / file), expected, x, 2)
    np.testing.assert_allclose(y, network.predict(x), atol=1e-6)


@pytest.mark.parametrize(("name", "error", "message"), [
    ("", IsADirectoryError, "path must name the C file to write"),
    ("folder.c", IsADirectoryError, "folder.c is a folder"),
    ("header.c", IsADirectoryError, "header.h"),
    ("foreign.c", FileExistsError, "foreign.h is there and is not a header that cnet wrote"),
    ("nowhere/model.c", FileNotFoundError, "path must name a file in a folder that is there"),
    ("model.cpp", ValueError, "path must end in .c, got 'model.cpp'"),
    (".c", ValueError, "path must end in .c"),
    ('a".c', ValueError, "stands in an #include"),
    ("a\\b.c", ValueError, "stands in an #include"),
    ("a\nb.c", ValueError, "stands in an #include"),
    ("a??=.c", ValueError, "stands in an #include"),
    ("a\0b.c", ValueError, "stands in an #include"),
    ("9.c", ValueError, "name must be given, of 1 to 31 letters"),
    ("数字.c", ValueError, "'数字' cannot begin a name in C"),
    ("a" * 32 + ".c", ValueError, "name must be given"),
])
def test_hostile_paths(network, tmp_path, name, error, message):
    for folder in ("folder.c", "header.h"):
        (tmp_path / folder).mkdir()
    (tmp_path / "foreign.h").write_text("int mine;\n")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(error, match=re.escape(message)):
        cnet.export.c(network, f"{tmp_path}/{name}")
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "foreign.h").read_text() == "int mine;\n"


def test_both_files_are_replaced_or_neither(network, tmp_path):
    cnet.export.c(network, tmp_path / "model.c")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    network.params["W1"] = np.full((4, 3), np.inf)
    with pytest.raises(ValueError, match="some of its parameters W1 are not finite numbers"):
        cnet.export.c(network, tmp_path / "model.c")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    network.params["W1"] = np.ones((4, 3))
    cnet.export.c(network, tmp_path / "model.c")
    assert {path.name for path in tmp_path.iterdir() if path.read_bytes() != before[path.name]} == {"model.c"}


def test_links_do_not_make_one_file_of_both(network, tmp_path):
    (tmp_path / "model.h").symlink_to("model.c")
    with pytest.raises(ValueError, match=r"model\.h and .*model\.c are one file"):
        cnet.export.c(network, tmp_path / "model.c")
    assert os.listdir(tmp_path) == ["model.h"]


def test_networks_too_large_for_a_compiler(tmp_path):
    net = cnet.MultiLayerNet(3_000, [3_400], 1, weight_init_std=0.0, rng=0)
    with pytest.raises(ValueError, match="at most 10,000,000 parameters are written as C, this network has 10,206,801"):
        cnet.export.c(net, tmp_path / "large.c")
