"""Committees: means of predictions, measures of them, files, copies, and what does not fit together."""

import copy
import hashlib
import io
import json
import math
import os
import pickle

import numpy as np
import pytest

import cnet
from cnet import model_file
from cnet.cli import main
from cnet.losses import Huber, Quantile
from cnet.preprocess import Normalize

X, T = np.random.default_rng(0).normal(size=(7, 4)), np.array([0, 1, 2, 0, 1, 2, 2])


def make(n=3, dtype="float32", **options):
    return cnet.Committee([cnet.MultiLayerNet(4, [3, 2 + i], 3, dtype=dtype, rng=i, **options) for i in range(n)])


def written(thing):
    file = io.BytesIO()
    thing.save(file)
    return file.getvalue()


# Losses from predictions, by their formulas.
FORMULAS = {
    "cross_entropy": lambda y, t: -np.log(y[np.arange(len(t)), t]),
    "binary_cross_entropy": lambda y, t: -(t * np.log(y) + (1 - t) * np.log(1 - y)).sum(axis=1),
    "squared_error": lambda y, t: ((y - t) ** 2 / 2).sum(axis=1),
    "absolute_error": lambda y, t: np.abs(y - t).sum(axis=1),
    "huber": lambda y, t: np.where(np.abs(y - t) <= 1, (y - t) ** 2 / 2, np.abs(y - t) - 0.5).sum(axis=1),
    "poisson": lambda y, t: (t * np.log(np.where(t > 0, t, 1) / y) + y - t).sum(axis=1),
    "quantile": lambda y, t: np.maximum(0.5 * (t - y), -0.5 * (t - y)).sum(axis=1),
}
TARGETS = {"cross_entropy": T, "binary_cross_entropy": np.random.default_rng(1).integers(0, 2, (7, 3)).astype(float)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", cnet.losses.__all__)
def test_measures_are_those_of_the_mean(loss, weighted):
    loss = getattr(cnet.losses, loss)()
    committee = make(dtype="float64", loss=loss)
    for net in committee.networks:
        for name, array in net.params.items():
            scale = 0.5 if name[0] == "W" else 0.1
            array[...] = scale * np.random.default_rng(net.seed % 97).normal(size=array.shape)
    y = sum(net.predict(X) for net in committee.networks) / 3
    np.testing.assert_allclose(committee.predict(X), y, rtol=1e-15)
    t = TARGETS.get(loss.name, np.random.default_rng(2).integers(0, 4, (7, 3)).astype(float))
    weight = np.arange(7) / 3 if weighted else None
    losses = FORMULAS[loss.name](y, t)
    expected = np.average(losses, weights=weight)
    assert committee.loss(X, t, weight) == pytest.approx(expected, rel=1e-12)
    measured = committee.evaluate(X, t, weight)
    assert measured["loss"] == committee.loss(X, t, weight)
    if loss.name == "cross_entropy":
        right = y.argmax(axis=1) == t
        assert measured["accuracy"] == pytest.approx(np.average(right, weights=weight))
        assert measured["accuracy"] == committee.accuracy(X, t, weight)
        assert committee.loss(X, np.eye(3)[t], weight) == pytest.approx(expected, rel=1e-12)
    elif loss.name == "binary_cross_entropy":
        right = ((y > 0.5) == t).all(axis=1)
        assert committee.accuracy(X, t, weight) == pytest.approx(np.average(right, weights=weight))
    else:
        metrics = pytest.importorskip("sklearn.metrics")
        assert measured["r2"] == pytest.approx(metrics.r2_score(t, y, sample_weight=weight))
        assert measured["mean_absolute_error"] == pytest.approx(
            metrics.mean_absolute_error(t, y, sample_weight=weight))
        with pytest.raises(ValueError, match="accuracy has no meaning"):
            committee.accuracy(X, t)


def test_probabilities_that_vanish():
    net = cnet.MultiLayerNet(1, [], 2, weight_init_std=0, rng=0)
    net.params["b1"] = [0, 2000]
    committee = cnet.Committee([net, net])
    assert committee.predict([0.0]).tolist() == [0, 1]
    assert committee.loss([0.0], 1) == 0 and 700 < committee.loss([0.0], 0) < 710
    one = cnet.MultiLayerNet(1, [], 1, weight_init_std=0, loss="binary_cross_entropy", rng=0)
    one.params["b1"] = [2000]
    assert 30 < cnet.Committee([one]).loss([[0.0]], [0]) < 40
    one.params["b1"] = [math.nan]
    with pytest.raises(ValueError, match="mean prediction is not finite"):
        cnet.Committee([one]).loss([[0.0]], [0])


def test_one_sample_and_types():
    committee = make()
    assert committee.predict(X[0]).shape == (3,) and committee.predict(X).dtype == np.float32
    np.testing.assert_array_equal(committee.predict(X[:1])[0], committee.predict(X[0]))
    assert committee.loss(X[0], 1) == pytest.approx(-np.log(committee.predict(X[0])[1]), rel=1e-6)
    mixed = cnet.Committee([make(1).networks[0], make(1, "float64").networks[0]])
    assert mixed.dtype == mixed.predict(X).dtype == np.float64
    assert (len(mixed), mixed.sizes, mixed.loss_function) == (2, (4, 3), cnet.losses.CrossEntropy())


def test_what_it_looks_like():
    assert repr(make(2)) == "<Committee of 2 networks: 4 inputs, 3 outputs>"
    net = cnet.TwoLayerNet(9, 3, 2, rng=0)
    assert repr(cnet.Committee([net, net], [None, Normalize()])) == (
        "<Committee of 2 networks: TwoLayerNet(9, 3, 2, activation='sigmoid', dtype=float32), 1 with preprocessing>")


def test_each_network_sees_its_own_images():
    x = cnet.datasets.make_digits(20, rng=0)[0]
    networks = [cnet.TwoLayerNet(784, 5, 10, "he", rng=seed) for seed in range(3)]
    ways = [None, Normalize(), Normalize(width=12)]
    committee = cnet.Committee(networks, ways)
    expected = (networks[0].predict(x) + networks[1].predict(ways[1](x)) + networks[2].predict(ways[2](x))) / 3
    np.testing.assert_allclose(committee.predict(x), expected, rtol=1e-6)
    np.testing.assert_allclose(committee.predict(x[3]), expected[3], rtol=1e-6)
    assert cnet.Committee(networks, ways[1]).preprocessing == (ways[1],) * 3
    other = cnet.load(io.BytesIO(written(committee)))
    assert other.preprocessing == committee.preprocessing
    np.testing.assert_array_equal(other.predict(x), committee.predict(x))


class Named(cnet.Committee):
    def __init__(self, name):
        super().__init__(make().networks)
        self.name = name


def test_copies():
    committee = Named("three")
    committee.more = [1]
    for other in (copy.copy(committee), copy.deepcopy(committee), pickle.loads(pickle.dumps(committee))):
        assert type(other) is Named and (other.name, other.more) == ("three", [1])
        assert [net.params for net in other.networks] == [net.params for net in committee.networks]
        other.networks[0].params["b1"] += 1
        assert other.networks[0].params != committee.networks[0].params
    assert copy.copy(committee).more is committee.more
    # As of networks: equal is what is the same.
    assert committee == committee != copy.copy(committee)


@pytest.mark.parametrize("state", [
    None, [], {}, {"networks": []}, {"networks": [1], "preprocessing": None}, {"networks": (), "preprocessing": ()},
    {"networks": make().networks, "preprocessing": (None,)},
])
def test_states_that_are_none(state):
    with pytest.raises((TypeError, ValueError), match="not the state of a Committee"):
        cnet.Committee.__new__(cnet.Committee).__setstate__(state)


def net(n_in=4, n_out=3, **options):
    return cnet.MultiLayerNet(n_in, [2], n_out, rng=0, **options)


BAD = [
    (lambda: cnet.Committee(5), TypeError, "networks must be a list of networks, got int"),
    (lambda: cnet.Committee(net()), TypeError, "networks must be a list of networks, got MultiLayerNet"),
    (lambda: cnet.Committee([]), ValueError, "networks must hold from 1 to 1000 networks, got 0"),
    (lambda: cnet.Committee([net()] * 1001), ValueError, "got 1001"),
    (lambda: cnet.Committee([net(), make()]), TypeError, r"networks\[1\] must be .* got Committee"),
    (lambda: cnet.Committee([net(), net(), net(5)]), ValueError, r"networks\[2\] has 5 inputs, networks\[0\] 4"),
    (lambda: cnet.Committee([net(), net(4, 2)]), ValueError, r"networks\[1\] has 2 outputs, networks\[0\] 3"),
    (lambda: cnet.Committee([net(), net(loss="squared_error")]), ValueError, r"networks\[1\] has the loss Squared"),
    (lambda: cnet.Committee([net(loss=Huber(2)), net(loss=Huber(3))]), ValueError, r"the loss Huber\(delta=3.0\)"),
    (lambda: cnet.Committee([net()], "deslant"), TypeError, "preprocessing must be None"),
    (lambda: cnet.Committee([net()], [Normalize(), None]), ValueError, "one for each of 1 networks, got 2"),
    (lambda: cnet.Committee([net()], [Normalize]), TypeError, r"preprocessing\[0\] must be None or a"),
    (lambda: cnet.Committee([net(8)], Normalize()), ValueError, r"preprocessing\[0\]: x has 8 columns"),
    (lambda: cnet.Committee([net(4)], Normalize(width=3)), ValueError, r"preprocessing\[0\]: width must be at most"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_what_does_not_fit_together_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_targets_and_inputs_are_refused_by_name():
    committee = make()
    for call in (lambda: committee.predict(X[:, :3]), lambda: committee.loss([[np.nan] * 4], [0])):
        with pytest.raises(ValueError, match="x "):
            call()
    for t in ([0, 1, 3, 0, 0, 0, 0], [0, 1], "abc"):
        with pytest.raises((TypeError, ValueError), match="t "):
            committee.evaluate(X, t)


def safetensors(metadata, tensors):
    """A file as the format's own page describes it, the larger type first."""
    header = {"__metadata__": {"cnet_checksum": "0" * 64, **metadata}}
    data = b""
    for name, array in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        begin, data = len(data), data + array.tobytes()
        dtype, shape = f"F{8 * array.itemsize}", list(array.shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + data
    return whole.replace(b"0" * 64, hashlib.sha256(whole).hexdigest().encode(), 1)


def test_the_file_to_the_bit():
    first = cnet.TwoLayerNet(4, 3, 2, rng=1)
    second = cnet.MultiLayerNet(4, [], 2, dtype="float64", rng=2)
    first.fit(np.eye(4) / 2, [0, 1, 0, 1], epochs=1, optimizer="adam")
    metadata = {
        "cnet_format": "2", "kind": "Committee", "networks": "2",
        "0.cnet_format": "1", "0.sizes": "[4, 3, 2]", "0.activation": "sigmoid", "0.seed": str(first.seed),
        "0.iterations": "1", "0.epochs": "1", "0.trained_on": "floats up to 1", "0.first_layer": "sparse",
        "1.cnet_format": "2", "1.kind": "MultiLayerNet", "1.sizes": "[4, 2]", "1.activations": "[]",
        "1.loss": "cross_entropy", "1.seed": str(second.seed), "1.iterations": "0", "1.epochs": "0",
        "1.preprocessing": '{"deslant": true, "width": 2, "image_shape": null}',
    }
    tensors = {**{f"0.{name}": array for name, array in first.params.items()},
               **{f"1.{name}": array for name, array in second.params.items()}}
    data = written(cnet.Committee([first, second], [None, Normalize(width=2)]))
    assert data == safetensors(metadata, tensors)
    other = cnet.load(io.BytesIO(data))
    assert [type(each) for each in other.networks] == [cnet.TwoLayerNet, cnet.MultiLayerNet]
    assert written(other) == data
    assert other.networks[0].params == first.params and other.networks[0]._core.optimizer_state is None


def test_what_loads_what(tmp_path):
    committee, single = tmp_path / "committee", tmp_path / "net"
    make().save(committee)
    make().networks[0].save(single)
    assert type(cnet.load(committee)) is type(cnet.Committee.load(committee)) is cnet.Committee
    assert type(Named.load(os.fspath(committee))) is Named
    for kind in (cnet.MultiLayerNet, cnet.TwoLayerNet):
        with pytest.raises(TypeError, match=f"holds a Committee, which {kind.__name__}.load does not"):
            kind.load(committee)
    with pytest.raises(TypeError, match="holds a MultiLayerNet, which Committee.load does not"):
        cnet.Committee.load(single)
    with pytest.raises(TypeError, match="path must be"):
        make().save(5)


# Changes of metadata and tensors (None: taken out), and what the error says.
TENSOR = np.zeros((4, 3), np.float32)
DAMAGE = [
    ({"networks": None}, {}, "networks must be from 1 to 1000, got None"), ({"networks": "0"}, {}, "networks must be"),
    *[({"networks": text}, {}, "networks must be from 1") for text in ("1001", "-2", "2.0", "x" * 10**5, "9" * 10**5)],
    ({"networks": "1"}, {}, "'1.W1' belongs to none of the 1 networks"),
    ({"networks": "3"}, {}, "network 2: format version None"),
    ({"0.kind": "Committee"}, {}, "network 0: kind must be"), ({"1.sizes": None}, {}, "network 1: sizes missing"),
    ({"1.sizes": "[4, 3, 2]"}, {}, "network 1: "), ({"1.loss": "huber", "1.loss_parameter": "1"}, {}, "fit together"),
    ({"0.cnet_format": "-1"}, {}, "network 0: format version"), ({"more": "1"}, {}, "'more' belongs to none"),
    ({"5.seed": "1"}, {}, "belongs to none"), ({"00.seed": "1"}, {}, "belongs to none"),
    ({}, {"0.W1": None}, "network 0: expected the tensors"), ({}, {"W1": TENSOR}, "'W1' belongs to none"),
    ({}, {"networks": TENSOR}, "'networks' belongs to none"), ({}, {"0.W1": TENSOR[:2]}, "network 0: W1 is"),
    ({}, {"0.": TENSOR}, "network 0: expected the tensors"), ({}, {"-1.W1": TENSOR}, "belongs to none"),
    *[({"0.preprocessing": text}, {}, "network 0: preprocessing must be the arguments of Normalize") for text in (
        "", "null", "[]", "5", '{"width": 0}', '{"height": 2}', '{"width": 1e999}', '{"width": 1.5}', "[" * 10**5,
        '{"deslant": "yes"}', '{"image_shape": [2, 2, 1]}', '{"image_shape": [[2], 2]}', '{"width": ' + "9" * 500 + "}",
    )],
    ({"0.preprocessing": '{"width": 3}'}, {}, r"preprocessing\[0\]: width must be at most"),
    ({"1.preprocessing": '{"image_shape": [3, 2]}'}, {}, r"preprocessing\[1\]: x has 4 columns"),
    ({"cnet_format": "1"}, {}, "missing"), ({"cnet_format": None}, {}, "format version None"),
]


@pytest.mark.parametrize(("texts", "arrays", "message"), DAMAGE, ids=range(len(DAMAGE)))
def test_files_that_are_none_are_refused(tmp_path, texts, arrays, message):
    tensors, metadata = model_file.read_model(io.BytesIO(written(make(2))))
    for whole, changes in ((metadata, texts), (tensors, arrays)):
        whole.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del whole[name]
    model_file.write_model(tmp_path / "net", tensors, metadata)
    for load in (cnet.load, cnet.Committee.load):
        with pytest.raises(ValueError, match=f"not a (committee|network) of cnet: .*{message}") as caught:
            load(tmp_path / "net")
        assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)


def test_networks_of_files_that_do_not_fit_together(tmp_path):
    def file_of(*networks):
        tensors, metadata = {}, {"cnet_format": "2", "kind": "Committee", "networks": str(len(networks))}
        for i, each in enumerate(networks):
            own_tensors, own = model_file.read_model(io.BytesIO(written(each)))
            tensors |= {f"{i}.{name}": array for name, array in own_tensors.items()}
            metadata |= {f"{i}.{name}": text for name, text in own.items()}
        model_file.write_model(tmp_path / "net", tensors, metadata)
        return tmp_path / "net"

    assert len(cnet.load(file_of(net(), net()))) == 2
    with pytest.raises(ValueError, match=r"not a committee of cnet: .*networks\[1\] has 5 inputs, networks\[0\] 4"):
        cnet.load(file_of(net(), net(5)))
    with pytest.raises(ValueError, match="a later version|Upgrade cnet"):
        tensors, metadata = model_file.read_model(file_of(net()))
        model_file.write_model(tmp_path / "new", tensors, {**metadata, "0.cnet_format": "7"})
        cnet.load(tmp_path / "new")


def test_every_byte_of_a_file_counts():
    data = written(make(2))
    rng = np.random.default_rng(0)
    for place in [*range(0, 40), *rng.integers(0, len(data), 150)]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(ValueError, match="cannot read|not a"):
            cnet.load(io.BytesIO(bytes(damaged)))
    for length in (0, 7, 8, 60, 200, len(data) - 1):
        with pytest.raises(ValueError, match="cannot read"):
            cnet.load(io.BytesIO(data[:length]))


def test_other_quantiles_have_no_other_measures():
    committee = make(2, loss=Quantile(0.9))
    assert set(committee.evaluate(X, np.zeros((7, 3)))) == {"loss"}


@pytest.fixture(scope="module")
def committee_file(tmp_path_factory):
    x, t = cnet.datasets.make_digits(2000, rng=5)
    networks = [cnet.TwoLayerNet(784, 20, 10, "he", activation="relu", rng=seed) for seed in range(2)]
    for each, images in zip(networks, (x, Normalize()(x)), strict=True):
        each.fit(images, t, epochs=5, optimizer="adam")
    path = tmp_path_factory.mktemp("committee") / "committee.safetensors"
    cnet.Committee(networks, [None, Normalize()]).save(path)
    return os.fspath(path)


def test_commands_take_a_committee(committee_file, tmp_path, capsys):
    x, t = cnet.datasets.make_digits(200, rng=9)
    for part in ("train", "t10k"):
        cnet.datasets.write_idx(tmp_path / f"{part}-images-idx3-ubyte", x.reshape(-1, 28, 28))
        cnet.datasets.write_idx(tmp_path / f"{part}-labels-idx1-ubyte", t)
    assert main(["evaluate", committee_file, "--data", os.fspath(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    committee = cnet.load(committee_file)
    assert told["accuracy"] == committee.accuracy(x, t) > 0.5 and told["loss"] == committee.loss(x, t)
    assert main(["info", committee_file]) == 0
    text = capsys.readouterr().out
    assert "Committee of 2 networks" in text and "network 1: 784-20-10, relu" in text and "Normalize(" in text
    assert main(["info", committee_file, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "Committee" and told["networks"][1]["preprocessing"]["deslant"] is True
    assert main(["page", committee_file]) == 1
    assert "is a committee of 2 networks" in capsys.readouterr().err


def test_a_picture_is_read_by_all(committee_file, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    x, _ = cnet.datasets.make_digits(1, rng=9)
    image.fromarray(255 - x.reshape(28, 28)).resize((140, 140)).save(tmp_path / "digit.png")
    assert main(["predict", committee_file, os.fspath(tmp_path / "digit.png"), "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    picture = cnet.images.read_digit(tmp_path / "digit.png")
    assert result["probabilities"] == cnet.load(committee_file).predict(picture).tolist()
