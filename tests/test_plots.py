"""What the pictures show, read from the artists; and every odd input that they are given."""

import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.augment import Distort

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")
Axes3D = pytest.importorskip("mpl_toolkits.mplot3d.axes3d").Axes3D

from cnet import plots  # noqa: E402
from cnet.plots import style  # noqa: E402


def bowl(x0, x1):
    return x0**2 + x1**2


@pytest.fixture(scope="module")
def data():
    return cnet.datasets.make_digits(400, rng=0)


@pytest.fixture(scope="module")
def trained(data):
    net = cnet.TwoLayerNet(784, 12, 10, rng=0)
    history = net.fit(*data, epochs=3, learning_rate=0.5, validation_data=data)
    return net, history


def draw(ax):
    """Render, so that what only fails when drawn fails here."""
    np.ravel(ax)[0].figure.canvas.draw()
    return ax


def labels(ax):
    return [line.get_label() for line in ax.lines]


# ---- loss and accuracy ------------------------------------------------------------


def test_loss_curve_shows_the_history(trained):
    _, history = trained
    ax = draw(plots.loss_curve(history, smoothing=1))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), history.loss)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(12) + 1)
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [4, 8, 12])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), history.validation_loss)
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Loss", "iteration", "loss (nats)")


@pytest.mark.parametrize("window", [2, 3, 4, 9, 50])
def test_moving_average_is_the_mean_of_its_window(window):
    loss = np.random.default_rng(1).random(20)
    shown = plots.loss_curve(loss, smoothing=window).lines[1].get_ydata()
    # Of an even window the odd one out is the later one.
    expected = [loss[max(0, i - (window - 1) // 2) : i + window // 2 + 1].mean() for i in range(20)]
    np.testing.assert_allclose(shown, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loss_that_is_not_finite_leaves_a_gap_and_a_mark(dtype):
    loss = np.array([3, np.nan, 2, np.inf, 1], dtype)
    ax = draw(plots.loss_curve(loss, smoothing=3))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3, np.nan, 2, np.nan, 1])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [3, np.nan, 2, np.nan, 1])
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), [2, 4])
    assert labels(ax)[2] == "not finite (2)"


@pytest.mark.parametrize("window", [7, 16, 40, 1000])
def test_a_huge_loss_does_not_swallow_those_after_it(window):
    loss = np.linspace(3, 2, 300)
    loss[20] = 1e30
    shown = plots.loss_curve(loss, smoothing=window).lines[1].get_ydata()
    expected = [math.fsum(part) / len(part) for part in (
        loss[max(0, i - (window - 1) // 2) : i + window // 2 + 1] for i in range(300))]
    np.testing.assert_allclose(shown, expected, rtol=1e-12)


def test_a_long_curve_is_drawn_from_its_extremes():
    loss = np.random.default_rng(0).random(100_003)
    loss[[77, 50_000, 100_002]] = 9, -9, 8
    loss[5:400] = np.nan
    line = draw(plots.loss_curve(loss, smoothing=1)).lines[0]
    x, y = line.get_data()
    assert len(x) < 10_000 and (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y, loss[x - 1])
    # Every stretch of 50 iterations, far less than a pixel, shows its lowest and highest.
    for begin in range(425, 99_950, 925):
        part, drawn = np.sort(loss[begin : begin + 50]), y[(x > begin) & (x <= begin + 50)]
        assert drawn.min() <= part[3] and drawn.max() >= part[-4]
    assert {-9, 8} <= set(y)


@pytest.mark.parametrize("draw_it", [
    lambda: plots.loss_curve(np.random.default_rng(0).random(2000)),
    lambda: plots.loss_curve(np.r_[3, np.linspace(1, 3, 300)]),
    lambda: plots.loss_curve(np.geomspace(3, 0.01, 300)),
    lambda: plots.accuracy_curve(1 - np.geomspace(0.9, 0.01, 50), np.linspace(0.9, 0.1, 50)),
    lambda: plots.accuracy_curve([1.0] * 5, [0.0] * 5),
    lambda: plots.tangent(np.sin, [-2.0, 0.0, 1.0]),
    lambda: plots.activations(["sigmoid", "relu", "tanh", "step", "identity"])[0],
    lambda: plots.derivative(np.sin, exact=np.cos)[1],
    lambda: plots.learning_rates(bowl, [-3.0, 4.0]),
    lambda: plots.learning_rates(bowl, [3.0, -4.0], (0.1, 0.95)),
    lambda: plots.schedule(list(cnet.schedules.SCHEDULES), learning_rate=0.1),
    lambda: plots.loss_curves({name: np.geomspace(3, 10.0**-name, 300) for name in range(8)}),
    lambda: plots.loss_curves({name: np.geomspace(2, 0.2 * (1 + name % 3), 300) for name in range(6)}, log=True),
    lambda: plots.loss_curves({f"a long name, {name}": [2, 0.1, 2, 0.1] * 9 for name in range(3)}, log=True),
], ids=range(14))
def test_no_legend_lies_over_a_line(draw_it):
    ax = draw(draw_it())
    box = ax.get_legend().get_window_extent()
    assert box.x0 >= ax.get_window_extent().x0 - 2 and box.x1 <= ax.get_window_extent().x1 + 2
    for line in ax.lines:
        path = line.get_transform().transform_path(line.get_path())
        path = path.cleaned(remove_nans=True).clip_to_bbox(line.get_clip_box())
        assert not path.intersects_bbox(box, filled=False), line.get_label()


def test_accuracies_are_never_shown_beyond_one():
    for values in ([1.0], [0.999, 1.0], [0.0, 0.0], [0.5, 0.5]):
        ax = draw(plots.accuracy_curve(values))
        low, high = ax.get_ylim()
        assert -0.05 < low < min(values) and max(values) < high < 1.05
        assert all(0 <= tick <= 1 for tick in ax.get_yticks() if low <= tick <= high)


def test_loss_of_one_iteration_of_nothing_finite_and_of_none():
    draw(plots.loss_curve([1.0]))
    assert draw(plots.loss_curve([np.nan] * 3)).texts[0].get_text() == "no loss is a finite number"
    with pytest.raises(ValueError, match="not empty"):
        plots.loss_curve([])


def test_accuracy_curve_shows_history_or_lists(trained):
    _, history = trained
    ax = draw(plots.accuracy_curve(history))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), history.train_accuracy)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), history.validation_accuracy)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3])
    ax = draw(plots.accuracy_curve([0.1, 0.5], [0.1], labels=("a", "b"), first_epoch=0))
    assert labels(ax) == ["a: 50.0 %", "b: 10.0 %"]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 1])


def test_accuracy_of_one_epoch_with_nan_and_with_empty_validation(trained):
    _, history = trained
    one = replace(history, train_accuracy=np.array([0.5]), validation_accuracy=None, validation_loss=None)
    assert len(draw(plots.accuracy_curve(one)).lines) == 1
    empty = replace(history, validation_accuracy=np.array([]), validation_loss=np.array([]))
    assert len(draw(plots.accuracy_curve(empty)).lines) == 1
    assert len(draw(plots.loss_curve(empty, smoothing=1)).lines) == 1
    assert labels(draw(plots.accuracy_curve([0.5, np.nan], [])))[0] == "train"
    lost = draw(plots.accuracy_curve([np.nan] * 3))
    assert lost.texts[0].get_text() == "no accuracy is a finite number"
    assert lost.get_xlim()[0] <= 1 and lost.get_xlim()[1] >= 3


def test_curves_of_a_fit_that_ends_within_an_epoch(data):
    net = cnet.TwoLayerNet(784, 12, 10, rng=0)
    # 400 images are four batches of 100, so six iterations are an epoch and a half.
    history = net.fit(*data, iterations=6, validation_data=data)
    np.testing.assert_array_equal(draw(plots.loss_curve(history)).lines[-1].get_xdata(), [4, 6])
    for line in draw(plots.accuracy_curve(history)).lines:
        np.testing.assert_array_equal(line.get_xdata(), [1, 1.5])
    short = net.fit(*data, iterations=1, validation_data=data)
    np.testing.assert_array_equal(draw(plots.loss_curve(short)).lines[-1].get_xdata(), [1])
    np.testing.assert_array_equal(draw(plots.accuracy_curve(short, first_epoch=3)).lines[0].get_xdata(), [2.25])


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "diverged"])
def test_curves_of_a_fit_that_ends_early(data, stop):
    def end(info):
        if info.epoch == 2 and not stop:
            info.network.params["b2"] += np.nan
        return stop and info.epoch == 2

    net = cnet.TwoLayerNet(784, 12, 10, rng=0)
    try:
        net.fit(*data, epochs=5, validation_data=data, callback=end)
    except cnet.DivergenceError:
        assert not stop
    # Of the epoch in which it diverged there is no validation.
    ax = draw(plots.loss_curve(net.history, smoothing=1))
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [4, 8])
    ax = draw(plots.accuracy_curve(net.history))
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [1, 2])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2] if stop else [1, 2, net.history.iterations / 4])


@pytest.mark.parametrize("window", [1, 5])
def test_loss_curves_are_those_of_each_fit(window, trained):
    _, history = trained
    other = np.random.default_rng(0).random(20)
    ax = draw(plots.loss_curves({"fit": history, 0.5: other}, smoothing=window, log=True))
    for line, loss in zip(ax.lines, (history.loss, other), strict=True):
        means = [loss[max(0, i - window // 2) : i + window // 2 + 1].mean() for i in range(len(loss))]
        np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(len(loss)) + 1)
    assert labels(ax) == ["fit", "0.5"] and ax.get_yscale() == "log" and ax.get_xlabel() == "iteration"
    assert ax.get_ylabel() == ("loss (nats)" if window == 1 else "loss (nats), mean of 5 iterations")


def test_loss_curves_with_gaps_and_of_more_fits_than_colours():
    ax = draw(plots.loss_curves({"a": [3, np.inf, 1], "b": [np.nan] * 2}, smoothing=1))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3, np.nan, 1])
    assert not ax.texts
    assert draw(plots.loss_curves({"b": [np.nan] * 2})).texts[0].get_text() == "no loss is a finite number"
    lines = draw(plots.loss_curves({name: [2, 1] for name in range(9)})).lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9


# ---- schedules --------------------------------------------------------------------


def halves(iteration, total):
    return 0.5 ** (iteration // 2)


def test_schedules_are_drawn_by_iteration():
    ax = draw(plots.schedule("linear", 4))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 1], [2, 0.75], [3, 0.5], [4, 0.25]])
    assert ax.get_ylabel() == "factor on the learning rate" and ax.get_legend() is None and ax.get_ylim()[0] == 0
    ramp = cnet.optimizers.LinearRamp(0.8)
    several = [halves, cnet.schedules.Linear(final=0.5), ramp]
    ax = draw(plots.schedule(several, 4, learning_rate=2))
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines],
                               [[2, 2, 1, 1], [2, 1.75, 1.5, 1.25], [0.8, 0.8, 1.6 / 3, 0.8 / 3]])
    assert labels(ax) == ["halves", "Linear(final=0.5, warmup=0)", "LinearRamp(peak=0.8, warmup=0.25)"]
    assert ax.get_ylabel() == "learning rate" == draw(plots.schedule(ramp, 4)).get_ylabel()
    assert labels(draw(plots.schedule({"a": "step", 2: halves}))) == ["a", "2"]


def test_schedules_of_one_iteration_and_of_many():
    draw(plots.schedule(list(cnet.schedules.SCHEDULES), 1))
    line = draw(plots.schedule("one-cycle", 200_000)).lines[0]
    assert len(line.get_xdata()) < 10_000 and line.get_ydata().max() == 1


# ---- functions of one variable ----------------------------------------------------


def test_tangent_touches_with_the_slope_of_the_formula():
    ax = draw(plots.tangent(lambda x: 0.01 * x**2 + 0.1 * x, [5, 10], x_range=(0, 20), points=11))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.01 * x**2 + 0.1 * x for x in range(0, 21, 2)])
    first, second = ax.lines[1], ax.lines[3]
    assert (first.get_xy1(), second.get_xy1()) == ((5, 0.75), (10, 2.0))
    np.testing.assert_allclose([first.get_slope(), second.get_slope()], [0.2, 0.3], rtol=1e-8)


def test_tangent_of_a_function_with_gaps():
    ax = draw(plots.tangent(np.log, 1.0))
    assert np.isnan(ax.lines[0].get_ydata()).any()
    with pytest.raises(ValueError, match="no tangent at x = -1"):
        plots.tangent(np.log, -1.0)


def test_derivative_is_that_of_the_formula():
    pair = draw(plots.derivative(lambda x: x**3, (-2, 2), exact=lambda x: 3 * x**2, points=9))
    x = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(pair[0].lines[0].get_ydata(), x**3)
    np.testing.assert_allclose(pair[1].lines[0].get_ydata(), 3 * x**2, atol=1e-7)
    np.testing.assert_allclose(pair[1].lines[1].get_ydata(), 3 * x**2)
    # At its pole 1 / x has neither value nor slope.
    pair = draw(plots.derivative(lambda x: 1 / x, (-1, 1), points=3))
    np.testing.assert_allclose(pair[1].lines[0].get_ydata(), [-1, np.nan, -1], rtol=1e-6)


def test_activations_are_those_of_the_formulas():
    pair = draw(plots.activations(["sigmoid", "relu", "tanh", "step", "identity"], (-3, 3)))
    x = pair[0].lines[0].get_xdata()
    s = 1 / (1 + np.exp(-x))
    step = np.where(x == 0, np.nan, x > 0)
    for line, expected in zip(pair[0].lines, (s, np.maximum(x, 0), np.tanh(x), step, x), strict=True):
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-12)
    slopes = (s * (1 - s), x > 0, 1 / np.cosh(x) ** 2, np.where(x == 0, np.nan, 0), np.ones_like(x))
    for line, expected in zip(pair[1].lines, slopes, strict=True):
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-12)
    assert len(plots.activations("relu", (1, 2))[0].lines) == 1


# ---- functions of two variables ---------------------------------------------------


@pytest.mark.parametrize("f", [bowl, lambda x: np.sum(x**2), np.hypot])
def test_gradient_field_points_down(f):
    ax = draw(plots.gradient_field(f, (1, 2), (-3, -1), points=5))
    arrows = ax.collections[0]
    x0, x1 = np.meshgrid(np.linspace(1, 2, 5), np.linspace(-3, -1, 5))
    np.testing.assert_allclose(arrows.XY, np.column_stack([x0.ravel(), x1.ravel()]))
    unit = np.hypot(x0, x1) if f is np.hypot else 0.5
    np.testing.assert_allclose(arrows.U, -(x0 / unit).ravel(), rtol=1e-6)
    np.testing.assert_allclose(arrows.V, -(x1 / unit).ravel(), rtol=1e-6)
    np.testing.assert_allclose(arrows.get_array(), np.hypot(x0 / unit, x1 / unit).ravel(), rtol=1e-6)


def test_gradient_field_where_there_is_none():
    ax = draw(plots.gradient_field(lambda x0, x1: np.log(x0), points=4))
    # log of a negative number, left of 0, has no slope.
    assert (ax.collections[0].XY[:, 0] > 0).all() and len(ax.collections[0].XY) == 8
    assert draw(plots.gradient_field(lambda x0, x1: np.nan, points=3)).texts
    assert (draw(plots.gradient_field(lambda x0, x1: 3.0, points=3)).collections[0].U == 0).all()


def test_an_arrow_too_long_is_shortened_and_keeps_its_direction():
    ax = draw(plots.gradient_field(lambda x0, x1: x0 + 1000 * x0 * (x0 > 1.95), (0, 2), (0, 2), points=21))
    arrows = ax.collections[0]
    np.testing.assert_allclose(arrows.get_array().max(), 1001, rtol=1e-6)
    assert arrows.U.min() == pytest.approx(-2) and (arrows.V == 0).all()


def test_surface_has_the_heights_of_f(monkeypatch):
    drawn = []
    plot_surface = Axes3D.plot_surface

    def spy(axes, *arguments, **options):
        drawn.extend(arguments)
        return plot_surface(axes, *arguments, **options)

    monkeypatch.setattr(Axes3D, "plot_surface", spy)
    draw(plots.surface(bowl, (0, 1), (0, 2), points=3))
    np.testing.assert_array_equal(drawn[2], [[0, 0.25, 1], [1, 1.25, 2], [4, 4.25, 5]])
    np.testing.assert_array_equal(drawn[0][0], [0, 0.5, 1])
    np.testing.assert_array_equal(drawn[1][:, 0], [0, 1, 2])
    draw(plots.surface(lambda x0, x1: 1.0, points=4))
    draw(plots.surface(lambda x0, x1: np.sqrt(x0), points=6))
    draw(plots.surface(lambda x0, x1: np.nan, points=4))


def test_descent_shows_the_path_of_gradient_descent():
    _, path = cnet.gradient_descent(
        lambda x: np.sum(x**2), [-3.0, 4.0], lr=0.1, step_num=20, return_path=True
    )
    ax = draw(plots.descent(bowl, path))
    expected = np.outer(0.8 ** np.arange(21), [-3, 4])
    np.testing.assert_allclose(ax.lines[0].get_xydata(), expected, atol=1e-7)


def test_learning_rates_good_too_large_and_too_small():
    ax = draw(plots.learning_rates(bowl, [-3, 4], step_num=300))
    assert labels(ax)[2:5:2] == ["learning rate 10: diverges", "learning rate 1e-10: f = 25 after 300 steps"]
    # Each step makes f 0.64 times as large, to rounding errors of about 1e-20.
    assert float(re.fullmatch("learning rate 0.1: f = (.*) after 300 steps", labels(ax)[0])[1]) < 1e-20
    assert np.abs(ax.axis()).max() < 10
    good, _, large, *_ = (line.get_xydata() for line in ax.lines)
    np.testing.assert_allclose(good[1], [-2.4, 3.2], rtol=1e-6)
    # x - 10 * 2x = -19x: out of the picture at once, straight through the minimum.
    assert len(large) == 2
    np.testing.assert_allclose(large[1][0] / large[1][1], -3 / 4, rtol=1e-6)


def test_a_path_that_hardly_leaves_is_not_magnified():
    ax = draw(plots.learning_rates(bowl, [-3, 4], rates=(10.0, 1e-10)))
    # As far around the start as its largest coordinate, so that the lowest place is in the picture.
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < -7 and right > 0 and bottom < 0 and top > 8


@pytest.mark.parametrize("path", [
    [[1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [np.nan, np.nan]], [[1, 0], [0, 0]],
    [[1.0, 1.0], [1e300, -1e300], [np.inf, np.nan]],
])
def test_descent_draws_any_path(path):
    draw(plots.descent(bowl, path))
    draw(plots.descent(lambda x0, x1: np.log(x0), path))
    draw(plots.descent(lambda x0, x1: 1.0, {"flat": path, 0.5: np.float32(path[:1])}, x_range=(-1, 9)))


# ---- networks -----------------------------------------------------------------------


def test_weights_are_those_of_each_unit(trained):
    net, _ = trained
    ax = draw(plots.weights(net))
    canvas = ax.images[0].get_array()
    # 12 units are 3 rows of 4; the gap is a fourteenth of 28 pixels.
    assert canvas.shape == (90, 120)
    for unit in range(12):
        top, left = 30 * (unit // 4) + 2, 30 * (unit % 4) + 2
        tile = canvas[top : top + 28, left : left + 28]
        np.testing.assert_array_equal(tile, net.params["W1"][:, unit].reshape(28, 28))
    assert ax.get_title() == "Weights of 12 hidden units"


@pytest.mark.parametrize(("sizes", "title"), [
    ((784, 1, 2), "Weights of 1 hidden unit"),
    ((784, 500, 2), "Weights of the first 64 of 500 hidden units"),
    ((10_000, 3, 2), "Weights of 3 hidden units"),
    ((10_001, 70, 2), "Weights of the first 64 of 70 hidden units"),
    ((3, 1, 2), "Weights of 1 hidden unit"),
    ((1, 1, 1), "Weights of 1 hidden unit"),
])
def test_weights_of_any_size(sizes, title):
    net = cnet.TwoLayerNet(*sizes, rng=0)
    ax = draw(plots.weights(net))
    assert ax.get_title() == title
    if sizes[0] in (10_001, 3):
        np.testing.assert_array_equal(ax.images[0].get_array(), net.params["W1"].T[:64])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("input", "hidden unit")


def test_weights_of_another_shape_all_zero_and_not_finite():
    net = cnet.TwoLayerNet(6, 2, 2, 0.0, dtype=np.float64, rng=0)
    assert draw(plots.weights(net, shape=(2, 3))).images[0].get_array().shape == (3, 8)
    net.params["W1"][0, 0] = np.nan
    net.params["W1"][1, 0] = np.inf
    assert draw(plots.weights(net)).images[0].get_array().mask.sum() == 2
    with pytest.raises(ValueError, match="6, got 2 x 2 = 4"):
        plots.weights(net, shape=(2, 2))


def test_confusion_matrix_counts(trained, data):
    net, _ = trained
    x, t = data
    predicted = net.predict(x).argmax(axis=1)
    counts = np.array([[np.sum((t == i) & (predicted == j)) for j in range(10)] for i in range(10)])
    for arguments in ((net, x, t), (net, x, np.eye(10)[t]), (t, predicted), (np.eye(10)[t], net.predict(x))):
        ax = draw(plots.confusion_matrix(*arguments))
        shares, right = counts / counts.sum(axis=1, keepdims=True), np.eye(10, dtype=bool)
        mistakes, diagonal = (image.get_array() for image in ax.images)
        np.testing.assert_array_equal(mistakes.mask, right)
        np.testing.assert_array_equal(diagonal.mask, ~right)
        np.testing.assert_allclose(np.where(right, diagonal.data, mistakes.data), shares)
        written = {text.get_position()[::-1]: int(text.get_text()) for text in ax.texts}
        assert written == {(i, j): counts[i, j] for i, j in np.argwhere(counts)}
        assert ax.get_title() == f"Confusion matrix: {100 * np.mean(predicted == t):.1f} % of 400 right"


def test_confusion_matrix_with_a_class_missing_many_classes_one_sample(trained, data):
    net, _ = trained
    ax = draw(plots.confusion_matrix([0, 0, 2], [0, 0, 2], names=["a", "b", "long name"]))
    assert ax.images[0].get_array().data[1].tolist() == ax.images[1].get_array().data[1].tolist() == [0, 0, 0]
    ax = draw(plots.confusion_matrix(np.arange(100), np.arange(100), colorbar=True))
    assert not ax.texts and len(ax.get_xticks()) == 50
    draw(plots.confusion_matrix([0], [0]))
    draw(plots.confusion_matrix(net, data[0][0], data[1][0]))


def strengths(image):
    """How far the colour of each cell is from the background, from 0 to 1."""
    return image.cmap(image.norm(image.get_array()))[..., 3]


def test_rare_mistakes_show_beside_the_diagonal():
    # 1,000 samples of each of three classes; the only mistakes are five of the first, one of the second.
    t = np.repeat([0, 1, 2], 1000)
    predicted = t.copy()
    predicted[:5], predicted[1000] = 1, 2
    mistakes, right = draw(plots.confusion_matrix(t, predicted, colorbar=True)).images
    assert strengths(mistakes)[0, 1] == 1
    assert strengths(mistakes)[1, 2] == pytest.approx(np.sqrt(1 / 5), abs=0.01)
    assert strengths(mistakes)[2, 0] == 0
    # One colour for mistakes, another one for right answers.
    np.testing.assert_allclose(strengths(right)[np.eye(3, dtype=bool)], [0.995, 0.999, 1], atol=0.01)
    assert (mistakes.cmap(1.0)[:3], right.cmap(1.0)[:3]) == (
        matplotlib.colors.to_rgb(style.ON_LIGHT[1]), matplotlib.colors.to_rgb(style.ON_LIGHT[0]))
    bar = mistakes.colorbar
    assert bar.ax.get_ylim() == (0, 0.005)


def test_confusion_matrix_of_no_mistake_and_of_mistakes_only():
    ax = draw(plots.confusion_matrix([0, 1], [0, 1]))
    assert not strengths(ax.images[0])[[0, 1], [1, 0]].any()
    ax = draw(plots.confusion_matrix([0, 1], [1, 0]))
    assert (strengths(ax.images[0])[[0, 1], [1, 0]] == 1).all() and not strengths(ax.images[1]).diagonal().any()


@pytest.mark.parametrize("n_classes", [2, 10, 26, 40])
def test_counts_and_names_are_legible_at_any_number_of_classes(n_classes):
    rng = np.random.default_rng(0)
    t, predicted = rng.integers(n_classes, size=(2, 40 * n_classes))
    ax = draw(plots.confusion_matrix(t, predicted, names=[f"class {i}" for i in range(n_classes)]))
    cell = ax.get_window_extent().width / n_classes
    for text in ax.texts:
        assert text.get_fontsize() >= 6 and text.get_window_extent().width < cell
    off_diagonal = [text for text in ax.texts if len(set(text.get_position())) == 2]
    if n_classes == 10:
        assert len(ax.texts) == len(set(zip(t, predicted, strict=True)))
    elif n_classes > 12:
        # The two largest mistakes for each class, on average.
        assert len(off_diagonal) in (0, 2 * n_classes)
    for names in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert all(name.get_fontsize() >= 6 for name in names)
    # Turned names do not touch each other: their distance is at least their height.
    places = [name.get_position()[0] for name in ax.get_xticklabels()]
    step = (places[1] - places[0]) * cell * 72 / ax.figure.dpi
    assert step >= ax.get_xticklabels()[0].get_fontsize()


def test_misread_shows_the_surest_mistakes_first(trained, data):
    net, _ = trained
    x, t = data
    y = net.predict(x)
    wrong = sorted(np.flatnonzero(y.argmax(axis=1) != t), key=lambda row: -y[row].max())
    ax = draw(plots.misread(net, x, t, limit=4))
    expected = [f"{t[row]} → {y[row].argmax()} ({100 * y[row].max():.0f} %)" for row in wrong[:4]]
    assert [text.get_text() for text in ax.texts] == expected
    assert ax.get_title().startswith(f"{len(wrong)} of 400 misread")
    canvas = ax.images[0].get_array()
    shown = canvas[9 : 9 + 28, 4 : 4 + 28]
    np.testing.assert_array_equal(shown, x[wrong[0]].reshape(28, 28))


def test_misread_when_nothing_is(trained, data):
    net, _ = trained
    x, _ = data
    ax = draw(plots.misread(net, x, net.predict(x).argmax(axis=1)))
    assert (ax.texts[0].get_text(), ax.images[:]) == ("nothing misread", [])
    thought = int(net.predict(x[0]).argmax())
    assert len(draw(plots.misread(net, x[0], (thought + 1) % 10)).texts) == 1


def test_distortions_stand_beside_what_they_are_made_of(data):
    x, t = data
    augment = Distort(limits={int(t[0]): {"rotation": 0}})
    ax = draw(plots.distortions(augment, x[:2], t[:2], times=3, rng=1))
    assert ax.get_title() == "2 images, each distorted 3 times"
    canvas = ax.images[0].get_array()
    made = augment(np.repeat(x[:2], 3, axis=0), np.repeat(t[:2], 3), rng=1).reshape(6, 28, 28)
    # A gap of 3 pixels before each image.
    for row in range(2):
        top = row * 31 + 3
        assert (canvas[top : top + 28, 3:31] == x[row].reshape(28, 28)).all()
        for column in range(3):
            left = (1 + column) * 31 + 3
            assert (canvas[top : top + 28, left : left + 28] == made[3 * row + column]).all()
    wide = draw(plots.distortions(Distort(image_shape=(14, 56)), x[0] / 255, times=1))
    assert wide.get_title() == "1 image distorted 1 time"


def test_misread_and_digits_of_other_inputs():
    net = cnet.TwoLayerNet(6, 3, 2, 0.0, rng=0)
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    with pytest.raises(ValueError, match=r"6 inputs make no square image; give shape"):
        plots.misread(net, x, np.ones(5, int))
    draw(plots.misread(net, x, np.ones(5, int), shape=(2, 3), names=("no", "yes")))
    big = cnet.TwoLayerNet(10_000, 2, 2, 0.0, rng=0)
    draw(plots.misread(big, np.zeros((2, 10_000)), [1, 1]))
    assert draw(plots.digits(x, list("abcde"), shape=(3, 2), limit=2)).get_title() == "2 images of 5"
    x[0, :2] = np.nan, np.inf
    ax = draw(plots.digits(x, shape=(3, 2)))
    assert not ax.texts
    # Two pixels of thirty are left out, and do not set the scale.
    assert ax.images[0].norm.vmax == max(1, x[np.isfinite(x)].max())
    assert ax.images[0].get_array().count() == 28
    draw(plots.digits(np.full((2, 4), np.nan)))


def test_distributions_are_the_quantiles(data):
    x, t = data[0][:50], data[1][:50]
    net = cnet.TwoLayerNet(784, 8, 10, activation="tanh", dtype=np.float64, rng=0)
    recorder = plots.DistributionRecorder(x, t)
    net.fit(x, t, epochs=2, callback=recorder)
    recorder.record(net)
    assert recorder.iterations == [1, 2, 2]
    hidden, _ = reference.scores(net.params, x, "tanh")
    gradient = reference.gradient(net.params, x, t, "tanh")
    values = (hidden, reference.predict(net.params, x, "tanh"), gradient["W1"], gradient["W2"])
    four = draw(plots.distributions(recorder))
    for ax, quantiles, expected in zip(four, recorder.quantiles.values(), values, strict=True):
        ordered = np.sort(expected.ravel())
        assert quantiles[-1][[0, -1]] == pytest.approx(ordered[[0, -1]], rel=1e-9)
        assert ax.lines[0].get_ydata()[-1] == pytest.approx(np.median(expected), rel=1e-6, abs=1e-12)
        bottom = ax.collections[0].get_paths()[0].vertices[:, 1].min()
        assert bottom == pytest.approx(min(q[1] for q in recorder.quantiles[ax.get_title().lower().replace(
            "gradient of w", "gradient of W")]), rel=1e-9)


@pytest.mark.parametrize("depth", [0, 1, 2, 16])
def test_networks_of_any_depth_and_loss(data, depth):
    """What takes a network draws any, or says what it needs."""
    x, t = data[0][:20], data[1][:20]
    net = cnet.MultiLayerNet(784, [5] * depth, 10, "tanh", rng=0)
    values = cnet.MultiLayerNet(784, [5] * depth, 10, "tanh", loss="squared_error", rng=0)
    unit = "hidden unit" if depth else "output"
    assert draw(plots.weights(net)).get_title() == f"Weights of {5 if depth else 10} {unit}s"
    recorder = plots.DistributionRecorder(x, t)
    recorder.record(net)
    draw(plots.confusion_matrix(net, x, t))
    draw(plots.misread(net, x, t))
    for each, targets in ((net, t), (values, np.eye(10)[t])):
        recorder = plots.DistributionRecorder(x, targets)
        recorder.record(each)
        axes = draw(plots.distributions(recorder))
        hidden = ["Hidden activations"] if depth == 1 else [f"Activations of layer {i + 1}" for i in range(depth)]
        assert [ax.get_title() for ax in axes] == [
            *hidden, "Output probabilities" if each is net else "Predictions",
            *(f"Gradient of W{i + 1}" for i in range(depth + 1))]
        gradient = reference.gradient(each.params, x, targets, "tanh", loss_function=each.loss_function.name)
        assert recorder.quantiles[f"gradient of W{depth + 1}"][0][-1] == pytest.approx(
            gradient[f"W{depth + 1}"].max(), rel=1e-4)
        plots.loss_slice(each, x, targets, points=3, rng=0)
        plt.close("all")
    for picture in (plots.confusion_matrix, plots.misread):
        with pytest.raises(ValueError, match="net must choose one class for each sample .*SquaredError"):
            picture(values, x, t)
    with pytest.raises(ValueError, match="net has other layers than the network recorded before"):
        recorder.record(net)


def test_distributions_of_one_record_and_of_none(data):
    recorder = plots.DistributionRecorder(data[0][0], data[1][0])
    with pytest.raises(ValueError, match="nothing was recorded"):
        plots.distributions(recorder)
    recorder.record(cnet.TwoLayerNet(784, 1, 10, rng=0))
    draw(plots.distributions(recorder))


def test_activation_histograms_count_the_activations_of_each_layer():
    net = cnet.MultiLayerNet(20, [7, 30], 3, activation="tanh", weight_init_std=0.4, dtype=np.float64, rng=0)
    x = np.random.default_rng(0).standard_normal((50, 20))
    pair = draw(plots.activation_histograms(net, x, bins=10))
    first = np.tanh(x @ net.params["W1"])
    for ax, values, number in zip(pair, (first, np.tanh(first @ net.params["W2"])), "12", strict=True):
        assert ax.get_xlim() == (-1, 1)
        for bar, left in zip(ax.patches, np.linspace(-1, 0.8, 10), strict=True):
            assert bar.get_x() == pytest.approx(left) and bar.get_width() == pytest.approx(0.2)
            assert bar.get_height() == np.sum((values >= left) & (values < left + 0.2))
        assert ax.get_title() == f"layer {number}\nstd {values.std():.2g}"
        assert not ax.texts


def test_activation_histograms_tell_the_zeros_of_relu():
    net = cnet.MultiLayerNet(2, [4], 2, rng=0)
    net.params["W1"] = [[1, -1, 1, 1], [0, 0, 0, 0]]
    ax = draw(plots.activation_histograms(net, [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], bins=3, x_range=(0.5, 3.5)))
    # Of twelve values three are 0, and three each are 1, 2 and 3.
    assert [bar.get_height() for bar in ax.patches] == [3, 3, 3]
    assert ax.texts[0].get_text() == "25 % are 0"
    # 99.5 % of the values of all layers set the range.
    low, high = draw(plots.activation_histograms(net, [[1.0, 0.0]] * 300 + [[100.0, 0.0]])).get_xlim()
    assert low == 0 and high == 1


@pytest.mark.parametrize("hidden", [1, 2, 5, 6, 16])
def test_activation_histograms_of_any_depth(hidden):
    net = cnet.MultiLayerNet(3, [4] * hidden, 2, weight_init_std=0.0 if hidden == 2 else "he", rng=0)
    axes = np.ravel(draw(plots.activation_histograms(net, [1.0, 2.0, 3.0])))
    assert len(axes) == hidden == len(axes[0].figure.axes)
    mixed = cnet.MultiLayerNet(3, [4] * hidden, 2, activation=(["relu", "sigmoid"] * 8)[:hidden], rng=0)
    mixed.params["b1"][0] = np.inf
    draw(plots.activation_histograms(mixed, [1.0, 2.0, 3.0]))
    mixed.params["b1"] = np.full(4, np.nan)
    axes = np.ravel(draw(plots.activation_histograms(mixed, [1.0, 2.0, 3.0])))
    assert axes[0].texts[0].get_text() == "no value is finite"


def test_loss_slice_leaves_the_network_alone_and_has_it_in_the_middle(trained, data):
    net, _ = trained
    x, t = data
    before = {name: array.tobytes() for name, array in net.params.items()}
    ax = draw(plots.loss_slice(net, x, t, points=4, span=0.5, rng=3))
    assert {name: array.tobytes() for name, array in net.params.items()} == before
    assert ax.texts[0].get_text() == f"the network: {reference.loss(net.params, x, t, 'sigmoid'):.3g}"
    limits = [ax.collections[0].norm.vmin, ax.collections[0].norm.vmax]
    again = plots.loss_slice(net, x, t, points=5, span=0.5, rng=3).collections[0].norm
    assert limits == [again.vmin, again.vmax]
    assert limits != [plots.loss_slice(net, x, t, points=5, span=0.5, rng=4).collections[0].norm.vmin, 0]


def test_directions_are_as_long_as_the_weights(trained):
    net, _ = trained
    from cnet.plots.slices import _direction

    direction = _direction(dict(net.params), np.random.default_rng(0))
    for name in ("W1", "W2"):
        np.testing.assert_allclose(np.sqrt((direction[name] ** 2).sum(axis=0)),
                                   np.sqrt((net.params[name].astype(float) ** 2).sum(axis=0)), rtol=1e-6)
    assert not direction["b1"].any() and not direction["b2"].any()


def test_losses_that_hardly_differ_have_labels_that_do(data):
    # The loss of small weights is log(10) to three digits, wherever one goes.
    ax = draw(plots.loss_slice(cnet.TwoLayerNet(784, 12, 10, rng=0), *data, points=5, rng=0))
    names = [label.get_text() for label in ax.figure.axes[1].get_yticklabels()]
    assert len(set(names)) == len(names) > 3


def test_loss_slice_of_a_flat_and_of_a_broken_network(data):
    net = cnet.TwoLayerNet(784, 3, 10, 0.0, rng=0)
    draw(plots.loss_slice(net, *data, points=3))
    net.params["b1"][0] = np.nan
    with pytest.raises(ValueError, match="b1 of the network holds values that are not finite"):
        plots.loss_slice(net, *data)


# ---- what all have in common ---------------------------------------------------------

EVERY = {
    "loss_curve": lambda net, x, t, ax: plots.loss_curve([2, 1, np.nan], smoothing=2, ax=ax),
    "loss_curves": lambda net, x, t, ax: plots.loss_curves({"a": [2, 1, np.nan], "b": [1.0]}, ax=ax),
    "accuracy_curve": lambda net, x, t, ax: plots.accuracy_curve([0.5, 1], [0.4], ax=ax),
    "gradient_field": lambda net, x, t, ax: plots.gradient_field(bowl, points=4, ax=ax),
    "surface": lambda net, x, t, ax: plots.surface(bowl, points=4, ax=ax),
    "descent": lambda net, x, t, ax: plots.descent(bowl, [[1.0, 1.0], [0.5, 0.5]], points=9, ax=ax),
    "learning_rates": lambda net, x, t, ax: plots.learning_rates(bowl, [1.0, 1.0], points=9, ax=ax),
    "schedule": lambda net, x, t, ax: plots.schedule(["step", "cosine"], 20, ax=ax),
    "tangent": lambda net, x, t, ax: plots.tangent(np.sin, 1.0, ax=ax),
    "derivative": lambda net, x, t, ax: plots.derivative(np.sin, exact=np.cos, ax=ax),
    "activations": lambda net, x, t, ax: plots.activations(ax=ax),
    "weights": lambda net, x, t, ax: plots.weights(net, ax=ax),
    "confusion_matrix": lambda net, x, t, ax: plots.confusion_matrix(net, x, t, colorbar=True, ax=ax),
    "digits": lambda net, x, t, ax: plots.digits(x, t, ax=ax),
    "misread": lambda net, x, t, ax: plots.misread(net, x, t, ax=ax),
    "distortions": lambda net, x, t, ax: plots.distortions(Distort(), x, limit=2, times=3, ax=ax),
    "distributions": lambda net, x, t, ax: plots.distributions(recorded(net, x, t), ax=ax),
    "activation_histograms": lambda net, x, t, ax: plots.activation_histograms(net, x, ax=ax),
    "loss_slice": lambda net, x, t, ax: plots.loss_slice(net, x, t, points=3, rng=0, ax=ax),
}
COUNTS = {"derivative": 2, "activations": 2, "distributions": 4}


def recorded(net, x, t):
    recorder = plots.DistributionRecorder(x, t)
    recorder.record(net)
    return recorder


def test_every_function_is_here():
    moving = {name for name in plots.__all__ if name.startswith("animate_")}  # in tests/test_animations.py
    assert set(EVERY) == set(plots.__all__) - {"DistributionRecorder"} - moving


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", EVERY)
def test_draws_into_given_axes_and_changes_nothing_else(name, style, trained, data):
    projection = "3d" if name == "surface" else None
    with plt.style.context(style):
        figure, given = plt.subplots(1, COUNTS.get(name, 1), subplot_kw={"projection": projection})
    settings, others = dict(matplotlib.rcParams), set(plt.get_fignums())
    returned = EVERY[name](trained[0], *data, given)
    figure.canvas.draw()
    assert np.array_equal(returned, given) if name in COUNTS else returned is given
    assert set(plt.get_fignums()) == others
    assert dict(matplotlib.rcParams) == settings
    assert_legible(figure, "white" if style == "dark_background" else "black")


BARRED = {
    "gradient_field": lambda net, ax: plots.gradient_field(bowl, (-10, 10), (-5, 5), points=4, ax=ax),
    "a steep field": lambda net, ax: plots.gradient_field(
        lambda x0, x1: 1000 * x0 * (x0 > 1.9), (0, 2), (0, 2), points=21, ax=ax),
    "weights": lambda net, ax: plots.weights(net, ax=ax),
    "wide weights": lambda net, ax: plots.weights(net, shape=(14, 56), ax=ax),
    "confusion_matrix": lambda net, ax: plots.confusion_matrix([0, 1, 1], [0, 1, 0], colorbar=True, ax=ax),
    "loss_slice": lambda net, ax: plots.loss_slice(net, np.eye(784)[:3], [0, 1, 2], points=3, rng=0, ax=ax),
}


@pytest.mark.parametrize("where", ["own", "subplot", "constrained", "subfigure"])
@pytest.mark.parametrize("name", BARRED)
def test_a_colour_bar_is_as_high_as_its_axes_and_beside_them(name, where, trained):
    given = {
        "own": lambda: None,
        "subplot": lambda: plt.subplots(1, 2, figsize=(9, 3))[1][0],
        "constrained": lambda: plt.subplots(2, 1, figsize=(5, 8), layout="constrained")[1][1],
        "subfigure": lambda: plt.figure(figsize=(9, 4)).subfigures(1, 2)[1].subplots(),
    }[where]()
    ax = draw(BARRED[name](trained[0], given))
    (bar,) = (one for one in ax.figure.axes if hasattr(one, "_colorbar"))
    inside, beside = bar.get_window_extent(), ax.get_window_extent()
    ends = [patch.get_window_extent() for patch in bar.patches]
    low, high = min([inside.y0, *(end.y0 for end in ends)]), max([inside.y1, *(end.y1 for end in ends)])
    np.testing.assert_allclose([low, high], [beside.y0, beside.y1], atol=2)
    assert 0 < inside.x0 - beside.x1 < 0.2 * ax.figure.dpi
    # Where there is a layout, all letters have room.
    if where in ("own", "constrained"):
        assert ax.get_tightbbox().x0 >= 0 and bar.get_tightbbox().x1 <= ax.figure.bbox.x1


def contrast(one, other):
    """The contrast of two colours by the W3C's formula."""
    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in matplotlib.colors.to_rgb(color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# What is left of a colour (linear red, green, blue) without one kind of cone: Machado, Oliveira and Fernandes, "A
# physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15 (2009), severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def lab(color, vision):
    """CIE L*a*b* of a colour as it is seen: distances of 2 are just noticed."""
    srgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(("colors", "theme"), [(style.ON_LIGHT, "light"), (style.ON_DARK, "dark")])
def test_colours_stand_out_and_can_be_told_apart(colors, theme):
    assert contrast(style.INK[theme], style.PAPER[theme]) >= 7
    # The W3C asks for 3 between a graphical object and what is around it.
    assert all(contrast(color, style.PAPER[theme]) >= 3 for color in colors)
    for vision in VISION:
        for number, one in enumerate(colors):
            assert all(np.linalg.norm(lab(one, vision) - lab(other, vision)) > 15 for other in colors[:number])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_can_be_read_on_any_colour(theme):
    with plt.rc_context({"axes.labelcolor": style.INK[theme]}):
        ax = plt.subplots()[1]
    for color in ("#000000", "#ffffff", "#777777", *style.ON_LIGHT, *style.ON_DARK):
        for alpha in (0, 0.3, 0.6, 1):
            rgb, paper = matplotlib.colors.to_rgb(color), matplotlib.colors.to_rgb(style.background(ax))
            mixed = alpha * np.array(rgb) + (1 - alpha) * np.array(paper)
            assert contrast(style.letters_on((*rgb, alpha), ax), mixed) >= 4.5


def assert_legible(figure, ink):
    """Letters outside of coloured fields are those of the axes' style, not of the settings now."""
    for ax in figure.axes:
        letters = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
        if ax.get_legend() is not None:
            letters += ax.get_legend().get_texts()
        colors = {matplotlib.colors.to_hex(text.get_color()) for text in letters if text.get_text()}
        assert colors <= {matplotlib.colors.to_hex(ink)}


@pytest.mark.parametrize("name", EVERY)
def test_makes_one_figure_of_its_own_also_in_a_subfigure(name, trained, data):
    returned = EVERY[name](trained[0], *data, None)
    assert len(plt.get_fignums()) == 1
    assert 5 <= np.ravel(returned)[0].figure.get_figwidth() <= 7.5
    if name not in COUNTS and name != "surface":
        EVERY[name](trained[0], *data, plt.figure().subfigures(1, 2)[0].subplots()).figure.canvas.draw()


@pytest.mark.parametrize("name", EVERY)
def test_refuses_what_are_no_axes_and_opens_nothing(name, trained, data):
    with pytest.raises(TypeError, match="ax must be a"):
        EVERY[name](trained[0], *data, "axes")
    figure = plt.figure()
    with pytest.raises((TypeError, ValueError), match="ax must"):
        EVERY[name](trained[0], *data, figure)
    wrong = figure.add_subplot(projection=None if name == "surface" else "3d")
    with pytest.raises(ValueError, match="ax must be (made with projection='3d'|flat)"):
        EVERY[name](trained[0], *data, [wrong] * COUNTS[name] if name in COUNTS else wrong)
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: plots.loss_curve("abc"), TypeError, "history must hold real numbers"),
    (lambda: plots.loss_curve([1], smoothing=0), ValueError, "smoothing must be from 1"),
    (lambda: plots.accuracy_curve([97.0]), ValueError, "shares from 0 to 1, got 97"),
    (lambda: plots.accuracy_curve([]), ValueError, "not empty"),
    (lambda: plots.accuracy_curve([1], labels="ab"), ValueError, "labels must be two names"),
    (lambda: plots.gradient_field(3), TypeError, "f must be a function, got int"),
    (lambda: plots.gradient_field(bowl, (1, 1)), ValueError, r"x_range must be finite and rise"),
    (lambda: plots.gradient_field(bowl, (0, np.inf)), ValueError, r"x_range must be finite and rise"),
    (lambda: plots.gradient_field(bowl, 3), ValueError, r"pair of numbers \(low, high\)"),
    (lambda: plots.surface(bowl, points=1), ValueError, "points must be 2 or more"),
    (lambda: plots.surface(lambda x0, x1: "z"), TypeError, "f must return one real number, got 'z'"),
    (lambda: plots.surface(lambda x: x), TypeError, r"f must return one real number, got an array of shape"),
    (lambda: plots.descent(bowl, {}), ValueError, "at least one path"),
    (lambda: plots.descent(bowl, [1.0, 2.0]), ValueError, r"shape \(steps \+ 1, 2\), got \(2,\)"),
    (lambda: plots.descent(bowl, [[np.nan, 0]]), ValueError, "begin with finite numbers"),
    (lambda: plots.learning_rates(bowl, [1, 2, 3]), ValueError, "init_x must hold two numbers"),
    (lambda: plots.learning_rates(bowl, [1, 2], 0.1), TypeError, "rates must be a sequence"),
    (lambda: plots.learning_rates(bowl, [1, 2], []), ValueError, "at least one learning rate"),
    (lambda: plots.learning_rates(bowl, [1, 2], [-1]), ValueError, "lr must be finite and greater"),
    (lambda: plots.schedule("cosinus"), ValueError, "schedule must be one of 'constant', .* got 'cosinus'"),
    (lambda: plots.schedule(3), TypeError, "schedule must be one of .* got int"),
    (lambda: plots.schedule([]), ValueError, "at least one schedule"),
    (lambda: plots.schedule([None]), TypeError, "schedules must be schedules.* got None"),
    (lambda: plots.schedule("linear", 0), ValueError, "total must be from 1"),
    (lambda: plots.schedule("linear", learning_rate=-1), ValueError, "learning_rate must be finite and above 0"),
    (lambda: plots.schedule(["linear", cnet.optimizers.LinearRamp()]), ValueError, "give learning_rate to draw"),
    (lambda: plots.schedule(lambda i, n: -1.0), ValueError, "schedule returns at iteration 0 must .* got -1"),
    (lambda: plots.tangent(np.sin, "a"), TypeError, "x must hold real numbers"),
    (lambda: plots.activations("swish"), ValueError, "names must be one of"),
    (lambda: plots.activations([]), ValueError, "at least one activation"),
    (lambda: plots.weights(None), TypeError, "net must be a cnet.MultiLayerNet or cnet.TwoLayerNet, got NoneType"),
    (lambda: plots.confusion_matrix([0]), TypeError, r"takes \(net, x, t\) or \(t, predicted\)"),
    (lambda: plots.confusion_matrix([0, 1], [0]), ValueError, "of one length, got 2 and 1"),
    (lambda: plots.confusion_matrix([], []), ValueError, "not empty"),
    (lambda: plots.confusion_matrix([0, -1], [0, 0]), ValueError, "t: "),
    (lambda: plots.confusion_matrix([0], [[np.nan, 1]]), ValueError, "must not hold NaN"),
    (lambda: plots.confusion_matrix([0, 1], [0, 1], names=["a"]), ValueError, "one for each of 2 classes"),
    (lambda: plots.digits(np.zeros((0, 4))), ValueError, "at least one image"),
    (lambda: plots.digits(np.zeros((2, 4)), [1]), ValueError, "one label for each of 2 images"),
    (lambda: plots.distortions(None, np.zeros((1, 4))), TypeError, "augment must be a cnet.augment.Distort, got None"),
    (lambda: plots.distortions(Distort(), np.zeros((1, 5))), ValueError, "5 columns, which are no square"),
    (lambda: plots.distortions(Distort(), np.zeros((0, 4))), ValueError, "at least one image"),
    (lambda: plots.distortions(Distort(), np.zeros((1, 4)), times=0), ValueError, "times must be from 1"),
    (lambda: plots.distortions(Distort(mixup=1), np.zeros((1, 4))), ValueError, "mixup = 1.0 mixes targets too"),
    (lambda: plots.loss_curves([1.0]), TypeError, "histories must be a mapping of names"),
    (lambda: plots.loss_curves({}), ValueError, "at least one fit"),
    (lambda: plots.loss_curves({"a": []}), ValueError, r"histories\['a'\] must be one row"),
    (lambda: plots.loss_curves({"a": [1]}, smoothing=0), ValueError, "smoothing must be from 1"),
    (lambda: plots.activation_histograms(None, [1]), TypeError, "net must be a cnet.MultiLayerNet or"),
    (lambda: plots.activation_histograms(cnet.MultiLayerNet(2, [], 2), [1, 2]), ValueError, "one hidden layer"),
    (lambda: plots.activation_histograms(cnet.MultiLayerNet(2, [2], 2), [1]), ValueError, "x must have shape"),
    (lambda: plots.activation_histograms(cnet.MultiLayerNet(2, [2], 2), [1, 2], bins=1), ValueError, "bins must be 2"),
    (lambda: plots.activation_histograms(cnet.MultiLayerNet(2, [2], 2), [1, 2], x_range=(1, 1)), ValueError,
     "x_range must be finite and rise"),
    (lambda: plots.distributions(None), TypeError, "recorder must be a DistributionRecorder"),
])
def test_bad_input_is_refused_before_a_figure_opens(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert not plt.get_fignums()


def test_import_of_cnet_does_not_import_matplotlib_and_its_absence_is_told():
    code = """
import sys
import cnet
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None
try:
    import cnet.plots
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'cnet.plots needs matplotlib: pip install "cnet-nn[plot]"'
