"""What the frames of moving pictures show, read from the artists."""

import copy

import numpy as np
import pytest

import cnet

pytest.importorskip("matplotlib")

from cnet import plots  # noqa: E402


def at(animation, frame):
    """The figure as it is in one frame."""
    figure = animation._fig
    figure.canvas.draw()  # else the animation complains that it was never shown
    animation._func(frame)
    figure.canvas.draw()
    return figure


def valley(x):
    return x[0] ** 2 / 20 + x[1] ** 2


@pytest.fixture(scope="module")
def paths():
    # The gradient is (x0 / 10, 2 x1), so each step multiplies by 1 - rate / 10 and 1 - 2 rate.
    return {rate: np.array([[-7 * (1 - rate / 10) ** k, 2 * (1 - 2 * rate) ** k] for k in range(steps + 1)])
            for rate, steps in ((0.3, 10), (0.9, 6))}


def test_a_descent_grows_step_by_step(paths):
    animation = plots.animate_descent(valley, paths)
    assert animation._save_count == 11
    axes = at(animation, 4).axes
    assert [ax.get_title() for ax in axes] == ["learning rate 0.3", "learning rate 0.9"]
    for ax, path in zip(axes, paths.values(), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), path[:5])
        assert ax.get_xlim() == axes[0].get_xlim() and ax.get_ylim() == axes[0].get_ylim()
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert ((path > [left, bottom]) & (path < [right, top])).all()
    # The shorter one stays at its end.
    np.testing.assert_array_equal(at(animation, 10).axes[1].lines[0].get_xydata(), paths[0.9])


def test_one_path_and_what_is_shown(paths):
    animation = plots.animate_descent(lambda a, b: valley((a, b)), paths[0.3], x_range=(-8, 2), y_range=(-3, 3))
    ax, = at(animation, 0).axes
    assert (ax.get_title(), ax.get_xlim(), ax.get_ylim()) == ("path", (-8, 2), (-3, 3))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[-7, 2]])


@pytest.mark.parametrize(("change", "error", "text"), [
    ({"f": 3}, TypeError, "f must be a function"),
    ({"paths": {}}, ValueError, "at least one path"),
    ({"paths": [[1, 2, 3]]}, ValueError, "must have the shape"),
    ({"points": 1}, ValueError, "points must be 2 or more"),
    ({"x_range": (1, 1)}, ValueError, "x_range must be finite and rise"),
])
def test_odd_descents_are_refused(paths, change, error, text):
    with pytest.raises(error, match=text):
        plots.animate_descent(**{"f": valley, "paths": paths, **change})


def test_weights_are_those_of_each_snapshot():
    snapshots = np.random.default_rng(0).normal(size=(3, 12, 8))
    snapshots[1, 4, 2] = np.nan
    animation = plots.animate_weights(snapshots, shape=(3, 4), limit=7)
    assert animation._save_count == 3
    for frame in (0, 1, 2):
        axes = at(animation, frame).axes
        images = [ax.images[0] for ax in axes if ax.images]
        assert len(images) == 7
        for unit, image in enumerate(images):
            np.testing.assert_array_equal(
                image.get_array().filled(np.nan), snapshots[frame, :, unit].reshape(3, 4))
        # The colours are those of the last frame, in which next to none of the weights is beyond their ends.
        bound = images[0].norm.vmax
        assert images[0].norm.vmin == -bound
        assert np.mean(np.abs(snapshots[2, :, :7]) > bound) < 0.02
        assert bound <= np.abs(snapshots[2]).max()


def test_snapshots_stay_what_they_were():
    kept = [np.ones((4, 2)), np.zeros((4, 2))]
    at(plots.animate_weights(kept), 1)
    assert (kept[0] == 1).all() and (kept[1] == 0).all()


@pytest.mark.parametrize(("snapshots", "options", "error", "text"), [
    ([], {}, ValueError, "at least one"),
    ([["a"]], {}, TypeError, "real numbers"),
    ([np.zeros((4, 2)), np.zeros((4, 3))], {}, ValueError, "one shape"),
    ([np.zeros(4)], {}, ValueError, "one shape"),
    ([np.zeros((5, 2))], {}, ValueError, "no square has 5 pixels"),
    ([np.zeros((4, 2))], {"shape": (3, 2)}, ValueError, "as many pixels"),
    ([np.zeros((4, 2))], {"limit": 0}, ValueError, "limit"),
])
def test_odd_snapshots_are_refused(snapshots, options, error, text):
    with pytest.raises(error, match=text):
        plots.animate_weights(snapshots, **options)


@pytest.fixture(scope="module")
def quadrants():
    """Points, and networks on their way to tell the product's sign."""
    x = np.random.default_rng(0).normal(size=(150, 2))
    t = (x[:, 0] * x[:, 1] > 0).astype(int)
    net = cnet.MultiLayerNet(2, [16], 2, "tanh", rng=0)
    networks = [copy.deepcopy(net)]
    for _ in range(3):
        net.fit(x, t, iterations=300, learning_rate=0.5)
        networks.append(copy.deepcopy(net))
    return networks, x, t


def test_a_boundary_is_shown_with_the_loss_so_far(quadrants):
    networks, x, t = quadrants
    animation = plots.animate_boundary(networks, x, t, points=30)
    assert animation._save_count == 4
    left, right = at(animation, 2).axes
    assert left.get_title() == "After 600 iterations"
    steps, losses = right.lines[0].get_data()
    assert list(steps) == [0, 300, 600]
    # By hand: the mean of -log p of the right class.
    expected = [-np.log(net.predict(x)[np.arange(150), t]).mean() for net in networks[:3]]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_array_equal(left.collections[0].get_offsets(), x)
    colors = left.collections[0].get_facecolors()
    assert len(np.unique(colors, axis=0)) == 2 and (colors[t == 1] == colors[t == 1][0]).all()
    assert right.get_xlim() == (0, 900)


def test_a_plane_of_one_class_alone(quadrants):
    networks, x, t = quadrants
    one = copy.deepcopy(networks[0])
    one.params["b2"] = np.array([50.0, 0.0])
    at(plots.animate_boundary([one], x, t, points=10), 0)


@pytest.mark.parametrize(("networks", "error", "text"), [
    ([], ValueError, "at least one network"),
    ([3], TypeError, "net must be"),
    ([cnet.MultiLayerNet(3, [], 2)], ValueError, "two inputs"),
    ([cnet.MultiLayerNet(2, [], 2), cnet.MultiLayerNet(2, [3], 2)], ValueError, "same sizes"),
    ([cnet.MultiLayerNet(2, [], 2, loss="squared_error")], ValueError, "one class for each sample"),
])
def test_networks_without_a_plane_are_refused(networks, error, text):
    with pytest.raises(error, match=text):
        plots.animate_boundary(networks, np.zeros((3, 2)), [0, 1, 1])


def test_gradients_of_batches_lie_around_the_full_one():
    x, t = cnet.datasets.make_digits(300, rng=0)
    net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    before = net.params.copy()
    animation = plots.animate_batches(net, x, t, batch_size=50, frames=40, rng=3)
    assert animation._save_count == 40
    old, new, full, mean = at(animation, 39).axes[0].lines
    np.testing.assert_array_equal(full.get_xydata(), [[0, 0], [1, 0]])
    ends = np.concatenate([old.get_xydata().reshape(39, 3, 2)[:, 1], new.get_xydata()[1:]])
    np.testing.assert_allclose(mean.get_xydata()[0], ends.mean(axis=0), rtol=1e-12)
    # The mean of many gradients is the full one; its error is their spread over the root of their number.
    assert np.abs(mean.get_xydata()[0] - [1, 0]).max() < 4 * ends.std(axis=0).max() / 40**0.5
    assert all((net.params[name] == before[name]).all() for name in before)
    again = at(plots.animate_batches(net, x, t, batch_size=50, frames=40, rng=3), 39).axes[0].lines[3]
    np.testing.assert_array_equal(again.get_xydata(), mean.get_xydata())


def test_batches_of_equal_samples_all_have_the_full_gradient():
    x, t = np.tile([[0.5, -1.0, 2.0]], (20, 1)), np.zeros(20, int)
    animation = plots.animate_batches(cnet.TwoLayerNet(3, 4, 2, rng=0), x, t, batch_size=5, frames=6)
    _, new, _, mean = at(animation, 5).axes[0].lines
    np.testing.assert_allclose(new.get_xydata()[1], [1, 0], atol=1e-5)
    np.testing.assert_allclose(mean.get_xydata()[0], [1, 0], atol=1e-5)


def test_odd_batches_are_refused():
    net, x, t = cnet.TwoLayerNet(3, 4, 2, rng=0), np.zeros((5, 3)), [0, 1, 0, 1, 0]
    with pytest.raises(ValueError, match="must be finite and not 0"):
        plots.animate_batches(net, x, t)
    with pytest.raises(ValueError, match="frames"):
        plots.animate_batches(net, x, t, frames=0)
    with pytest.raises(TypeError, match="net must be"):
        plots.animate_batches(None, x, t)


def everything(paths):
    """Each of the four functions with the axes that it needs, by the number of them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    t = (x[:, 0] > 0).astype(int)
    net = cnet.MultiLayerNet(2, [4], 2, rng=0)
    networks = [copy.deepcopy(net)]
    net.fit(x, t, epochs=3, batch_size=10)
    networks.append(net)
    return {
        "descent": (2, lambda ax: plots.animate_descent(valley, paths, ax=ax)),
        "one descent": (1, lambda ax: plots.animate_descent(valley, paths[0.3], ax=ax)),
        "weights": (3, lambda ax: plots.animate_weights(rng.normal(size=(2, 16, 3)), ax=ax)),
        "boundary": (2, lambda ax: plots.animate_boundary(networks, x, t, ax=ax)),
        "batches": (1, lambda ax: plots.animate_batches(net, x, t, batch_size=5, frames=2, rng=0, ax=ax)),
    }


@pytest.mark.parametrize("name", ["descent", "one descent", "weights", "boundary", "batches"])
def test_axes_may_be_given(paths, name):
    import matplotlib.pyplot as plt

    count, animate = everything(paths)[name]
    figure, axes = plt.subplots(2, 4, layout="constrained")
    given = axes.flat[0] if count == 1 else axes.flat[:count]
    others = list(axes.flat[count:])
    animation = animate(given)
    assert animation._fig is figure and figure.axes == list(axes.flat)
    assert type(figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine", "the layout is the caller's"
    at(animation, 1)
    for ax in axes.flat[:count]:
        assert ax.has_data()
    assert not any(ax.has_data() for ax in others)
    for wrong, error in ((3, TypeError), (axes.flat[:5], TypeError if count == 1 else ValueError)):
        with pytest.raises(error, match="ax must"):
            animate(wrong)
    plt.close("all")


def test_frames_keep_the_style_under_which_the_axes_were_made(paths):
    import matplotlib.pyplot as plt

    _, animate = everything(paths)["boundary"]
    with plt.style.context("dark_background"):
        animation = animate(None)
    figure = at(animation, 1)
    left = figure.axes[0]
    assert left.xaxis.label.get_color() == "white" and left.get_facecolor()[:3] == (0, 0, 0)
    first = len(left.collections)
    assert len(at(animation, 0).axes[0].collections) == first, "what one frame draws is gone in the next"
    plt.close("all")
