"""Files of networks: version 1 to the bit, version 2, and what neither of them is."""

import hashlib
import io
import json
import pickle

import numpy as np
import pytest

import cnet
from cnet import model_file
from cnet.losses import Huber

X, T = np.eye(3), np.array([0, 1, 0])


def safetensors(metadata, tensors):
    """A file as the format's own page and cnet's first version describe it."""
    header = {"__metadata__": {"cnet_checksum": "0" * 64, **metadata}}
    data = b""
    for name, array in tensors.items():
        begin, data = len(data), data + array.tobytes()
        header[name] = {"dtype": f"F{8 * array.itemsize}", "shape": list(array.shape),
                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + data
    return whole.replace(b"0" * 64, hashlib.sha256(whole).hexdigest().encode(), 1)


def written(net, **options):
    file = io.BytesIO()
    net.save(file, **options)
    return file.getvalue()


def metadata_of(data):
    return model_file.read_model(io.BytesIO(data))[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_layers_write_version_1_to_the_bit(dtype):
    net = cnet.TwoLayerNet(3, 4, 2, activation="tanh", dtype=dtype, rng=5)
    params = {name: net.params[name] for name in ("W1", "b1", "W2", "b2")}
    metadata = {"cnet_format": "1", "sizes": "[3, 4, 2]", "activation": "tanh", "seed": str(net.seed),
                "iterations": "0", "epochs": "0"}
    assert written(net) == safetensors(metadata, params)
    net.fit(X / 2 + 0.25, T, epochs=2, batch_size=2)
    trained = {**metadata, "iterations": "4", "epochs": "2", "trained_on": "floats up to 1", "first_layer": "dense"}
    # Plain descent has no state.
    assert written(net) == written(net, optimizer_state=True) == safetensors(trained, params)
    net.fit(X, T, epochs=1, batch_size=2, optimizer="momentum")
    data = written(net)
    assert metadata_of(data)["cnet_format"] == "1"
    other = cnet.load(io.BytesIO(data))
    assert type(other) is cnet.TwoLayerNet and other._core.optimizer_state is None and written(other) == data
    # What the first version's files do not tell is not known.
    first = {name: text for name, text in metadata_of(data).items() if name not in ("trained_on", "first_layer")}
    old = cnet.load(io.BytesIO(safetensors(first, params)))
    assert old.params == net.params and (old._core.trained_on, old._core.first_layer) == (0, "auto")


def test_two_layers_with_state_write_version_2():
    net = cnet.TwoLayerNet(3, 4, 2, rng=5)
    net.fit(X, T, epochs=2, batch_size=2, optimizer="momentum")
    data = written(net, optimizer_state=True)
    metadata = metadata_of(data)
    assert (metadata["cnet_format"], metadata["kind"], metadata["optimizer"], metadata["optimizer_steps"]) == (
        "2", "TwoLayerNet", "momentum", "4")
    for other in (cnet.load(io.BytesIO(data)), cnet.TwoLayerNet.load(io.BytesIO(data))):
        assert type(other) is cnet.TwoLayerNet and written(other, optimizer_state=True) == data


NETWORKS = {
    "bare": lambda: cnet.MultiLayerNet(3, [], 2, rng=1),
    "one hidden layer": lambda: cnet.MultiLayerNet(3, [4], 2, rng=1),
    "several activations": lambda: cnet.MultiLayerNet(3, [4, 2], 2, ["tanh", "relu"], dtype="float64", rng=1),
    "penalty": lambda: cnet.MultiLayerNet(3, [4, 2], 2, weight_decay_lambda=0.1, rng=1),
    "huber": lambda: cnet.MultiLayerNet(3, [4], 1, loss=Huber(1 / 3), rng=1),
    "deepest": lambda: cnet.MultiLayerNet(3, [2] * 16, 2, rng=1),
}


@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("kind", NETWORKS)
def test_any_network_comes_back(kind, state):
    net = NETWORKS[kind]()
    t = T if net.loss_function.smooths_labels else T.astype(float)
    net.fit(X, t, epochs=2, batch_size=2, optimizer="adam")
    data = written(net, optimizer_state=state)
    assert metadata_of(data)["cnet_format"] == "2"
    others = [cnet.load(io.BytesIO(data)), cnet.MultiLayerNet.load(io.BytesIO(data))]
    if state:
        others.append(pickle.loads(pickle.dumps(net)))
    for other in others:
        assert type(other) is cnet.MultiLayerNet and other.params == net.params
        assert repr(other) == repr(net) and other.loss_function == net.loss_function
        assert (other.seed, other.iterations, other.weight_decay_lambda) == (
            net.seed, net.iterations, net.weight_decay_lambda)
        assert written(other, optimizer_state=state) == data
        other.fit(X, t, epochs=1, batch_size=2, optimizer="adam")
    net.fit(X, t, epochs=1, batch_size=2, optimizer="adam")
    assert all((other.params == net.params) is state for other in others)


def test_a_first_layer_that_was_chosen_is_kept():
    net = NETWORKS["bare"]()
    net._core.first_layer = "sparse"
    assert cnet.load(io.BytesIO(written(net)))._core.first_layer == "sparse"
    assert pickle.loads(pickle.dumps(net))._core.first_layer == "sparse"


def test_load_of_a_class_refuses_another_kind():
    class Mine(cnet.MultiLayerNet):
        def __init__(self):
            raise AssertionError("__init__ was called")

    class Two(cnet.TwoLayerNet):
        pass

    deep, two = written(NETWORKS["deepest"]()), written(cnet.TwoLayerNet(3, 4, 2, rng=0))
    assert type(Mine.load(io.BytesIO(deep))) is Mine and type(Two.load(io.BytesIO(two))) is Two
    for data, classes, kind in ((deep, (cnet.TwoLayerNet, Two), "MultiLayerNet"),
                                (two, (cnet.MultiLayerNet, Mine), "TwoLayerNet")):
        for each in classes:
            with pytest.raises(TypeError, match=f"holds a {kind}, which {each.__name__}.load .*cnet.load"):
                each.load(io.BytesIO(data))


@pytest.mark.parametrize("version", ["3", "12", "999"])
def test_a_newer_version_asks_for_an_upgrade(tmp_path, version):
    model_file.write_model(tmp_path / "net", {}, {"cnet_format": version, "kind": "Committee"})
    for load in (cnet.load, cnet.TwoLayerNet.load, cnet.MultiLayerNet.load):
        with pytest.raises(ValueError, match=f"cannot read '.*net': it has format version '{version}'; cnet "
                                             f"{cnet.__version__} reads versions 1 and 2. Upgrade cnet: pip install"):
            load(tmp_path / "net")


@pytest.mark.parametrize("flag", ["yes", None, 2, 0.0, np.array([1, 2])])
def test_optimizer_state_is_a_flag(flag, tmp_path):
    with pytest.raises(TypeError, match="optimizer_state must be True or False"):
        NETWORKS["bare"]().save(tmp_path / "net", flag)
    assert not (tmp_path / "net").exists()


# Changes of metadata and tensors (None: taken out) of a file of version 2, and what the error says.
TENSOR = np.zeros((3, 4), np.float32)
BAD = [
    ({"cnet_format": "-2"}, {}, "format version '-2'"), ({"cnet_format": None}, {}, "format version None"),
    ({"kind": None}, {}, "kind must be one of 'TwoLayerNet', 'MultiLayerNet', got ''"),
    ({"kind": "Estimator"}, {}, "kind must be one of"), ({"kind": "x" * 10**5}, {}, "kind must be"),
    ({"kind": "TwoLayerNet"}, {}, "three sizes"),
    *[({name: None}, {}, f"{name} missing") for name in
      ("sizes", "activations", "loss", "seed", "epochs", "iterations")],
    ({"sizes": "[3]"}, {}, "expected 2 to 18 sizes"), ({"sizes": str([3] * 19)}, {}, "expected 2 to 18 sizes"),
    ({"sizes": "[" * 10**5}, {}, "a list of sizes"), ({"sizes": "3"}, {}, "a list of sizes"),
    ({"sizes": "[3, 4, 5]"}, {}, "W2, b2, got"), ({"sizes": "[3, 4, 1e1, 2]"}, {}, "size must be an integer"),
    ({"sizes": "[2147483647, 2147483647, 2147483647, 2]"}, {}, "W1 is float32"),
    ({"sizes": "[3, 4, 5, -2]"}, {}, "size must be from 1"),
    ({"activations": '["relu"]'}, {}, "an activation for each of 2 hidden layers, got 1"),
    ({"activations": '["relu", "softmax"]'}, {}, "activation must be one of"),
    ({"activations": '"relu"'}, {}, "a list"), ({"activations": "relu"}, {}, "a list"),
    ({"activations": '["relu", 5]'}, {}, "activation must be a string, got 5"),
    ({"activations": '["relu", ["relu"]]'}, {}, "activations: expected a list"),
    ({"loss": "nothing"}, {}, "loss must be one of"), ({"loss": ""}, {}, "loss must be one of"),
    ({"loss": "huber"}, {}, "loss_parameter of huber: delta must"),
    ({"loss": "quantile", "loss_parameter": "1.5"}, {}, "loss_parameter of quantile: q must"),
    *[({"loss_parameter": text}, {}, "loss_parameter must be") for text in
      ("nan", "NaN", "Infinity", "-1", "1_0", "1" * 10**5, "true", "[]", "", "1e999", " ")],
    *[({"weight_decay_lambda": text}, {}, "weight_decay_lambda must be") for text in ("-0.5", "x", "1e999", "null")],
    ({"first_layer": "middle"}, {}, "first_layer must be one of"), ({"trained_on": "tea"}, {}, "trained_on must be"),
    ({"optimizer": None}, {}, "one is missing"), ({"optimizer_steps": None}, {}, "one is missing"),
    ({"optimizer": None, "optimizer_steps": None}, {}, "one is missing"),
    ({"optimizer": "nonsense"}, {}, "optimizer must be one of"), ({"optimizer": "momentum"}, {}, "1 arrays for each"),
    ({"optimizer": "sgd"}, {}, "0 arrays for each"),
    *[({"optimizer_steps": text}, {}, "optimizer_steps must be from 0") for text in
      ("-1", "1.0", str(2**53 + 1), "9" * 10**5)],
    ({}, {"optimizer.1.W1": None}, "missing or unknown: .*1.W1"), ({}, {"optimizer.2.W1": TENSOR}, "2.W1"),
    ({}, {"optimizer.W1": TENSOR}, "missing or unknown"), ({}, {"optimizer.": TENSOR}, "missing or unknown"),
    ({}, {"optimizer.0.W1": TENSOR.T}, "optimizer.0.W1 is float32.4, 3., expected the shape .3, 4."),
    ({}, {"optimizer.0.W1": TENSOR[:0]}, "optimizer.0.W1 is"),
    ({}, {"optimizer.0.b1": TENSOR}, "optimizer.0.b1 is"),
    ({}, {"optimizer.0.b1": np.zeros(4)}, "optimizer.0.b1 is float64 but W1 is float32"),
    ({}, {"W4": TENSOR}, "expected the tensors W1, b1, W2, b2, W3, b3, got"),
    ({}, {"b3": None}, "expected the tensors"),
    ({}, {"W2": TENSOR}, "W2 is float32"), ({}, {"extra": TENSOR}, "extra"),
]


@pytest.mark.parametrize(("texts", "arrays", "message"), BAD, ids=range(len(BAD)))
def test_files_that_are_none_are_refused(tmp_path, texts, arrays, message):
    net = cnet.MultiLayerNet(3, [4, 5], 2, rng=0)
    net.fit(X, T, epochs=1, optimizer="adam")
    tensors, metadata = model_file.read_model(io.BytesIO(written(net, optimizer_state=True)))
    for whole, changes in ((metadata, texts), (tensors, arrays)):
        whole.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del whole[name]
    model_file.write_model(tmp_path / "net", tensors, metadata)
    with pytest.raises(ValueError, match=f"not a network of cnet: .*{message}") as caught:
        cnet.load(tmp_path / "net")
    assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)


def test_a_state_of_another_type_than_the_parameters_is_refused(tmp_path):
    net = cnet.MultiLayerNet(3, [4], 2, rng=0)
    net.fit(X, T, epochs=1, optimizer="momentum")
    tensors, metadata = model_file.read_model(io.BytesIO(written(net, optimizer_state=True)))
    wide = {name: array.astype(np.float64) if name[0] == "o" else array for name, array in tensors.items()}
    model_file.write_model(tmp_path / "net", wide, metadata)
    with pytest.raises(ValueError, match="the optimizer's state is float64, but the parameters are float32"):
        cnet.load(tmp_path / "net")


def test_two_layers_of_version_2_are_those_of_the_chapter(tmp_path):
    net = cnet.TwoLayerNet(3, 4, 2, rng=0)
    net.fit(X, T, epochs=1, optimizer="momentum")
    tensors, metadata = model_file.read_model(io.BytesIO(written(net, optimizer_state=True)))
    for changes, message in (
        ({"loss": "squared_error"}, "a TwoLayerNet has cross-entropy"),
        ({"weight_decay_lambda": "0.5"}, "no weight decay"), ({"activations": "[]"}, "activation must be a string"),
    ):
        model_file.write_model(tmp_path / "net", tensors, {**metadata, **changes})
        with pytest.raises(ValueError, match=message):
            cnet.load(tmp_path / "net")


def state_of(name, arrays, steps=1, raw=None):
    return {"name": name, "steps": steps, "arrays": arrays, "raw": raw}


BAD_STATES = [
    (5, TypeError, "optimizer_state must be a dict"), ({}, TypeError, "optimizer_state"),
    ({"name": "adam", "steps": 1}, TypeError, "optimizer_state must be a dict of name, steps, arrays and raw"),
    (state_of(5, {}), TypeError, "optimizer must be a string"),
    (state_of("sgd", {}, -1), ValueError, "optimizer_steps"), (state_of("sgd", {}, 1.0), TypeError, "optimizer_steps"),
    (state_of("sgd", {}, 2**63), ValueError, "optimizer_steps"),
    (state_of("sgd", []), TypeError, "arrays must be a mapping"),
    (state_of("sgd", {"0.W1": X}), ValueError, "0 arrays for each parameter"),
    (state_of("sgd", {}, raw=5), TypeError, "expected a mapping"),
    (state_of("sgd", {}, raw={"W1": X}), ValueError, "expected the tensors raw.W1"),
    (state_of("sgd", {}, raw={"W1": X, "b1": X[0]}), ValueError, "raw.W1 is float64.3, 3."),
    (state_of("momentum", {"0.W1": [1], "0.b1": X}), TypeError, "0.W1 must be a numpy.ndarray"),
    (state_of("momentum", {"0.W1": X, "0.b1": X[0]}), ValueError, "0.W1 is float64.3, 3."),
    (state_of("momentum", {"0.W1": X[:, :2].astype("i8"), "0.b1": X[0]}), TypeError, "0.W1 must"),
]


@pytest.mark.parametrize(("state", "error", "message"), BAD_STATES, ids=range(len(BAD_STATES)))
def test_pickles_whose_optimizer_is_none_are_refused(state, error, message):
    net = cnet.MultiLayerNet(3, [], 2, dtype="float64", rng=0)
    whole = {**net.__getstate__(), "optimizer_state": state}
    with pytest.raises(error, match=f"not the state of a MultiLayerNet: .*{message}"):
        cnet.MultiLayerNet.__new__(cnet.MultiLayerNet).__setstate__(whole)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", [cnet.TwoLayerNet, cnet.MultiLayerNet])
def test_parameters_before_averaging_travel(kind, optimizer):
    net = kind(3, 4 if kind is cnet.TwoLayerNet else [4], 2, rng=0)
    net.fit(X, T, epochs=3, optimizer=optimizer, averaging=0.9)
    data = written(net, optimizer_state=True)
    assert metadata_of(data)["cnet_format"] == "2"
    others = [cnet.load(io.BytesIO(data)), pickle.loads(pickle.dumps(net))]
    bare = cnet.load(io.BytesIO(written(net)))
    for each in (net, bare, *others):
        each.fit(X, T, epochs=2, optimizer=optimizer)
    assert all(other.params == net.params for other in others) and bare.params != net.params
    # They are of no use once the averages were changed.
    net.fit(X, T, epochs=3, optimizer=optimizer, averaging=0.9)
    net.params["b1"] += 1
    tensors, _ = model_file.read_model(io.BytesIO(written(net, optimizer_state=True)))
    assert not any(name.startswith("raw.") for name in tensors)


def test_a_state_in_any_layout_is_copied():
    net = cnet.MultiLayerNet(3, [4], 2, dtype="float64", rng=0)
    net.fit(X, T, epochs=2, optimizer="momentum")
    whole = net.__getstate__()
    whole["optimizer_state"]["arrays"] = {
        name: np.asfortranarray(array).astype(">f8") for name, array in whole["optimizer_state"]["arrays"].items()}
    other = cnet.MultiLayerNet.__new__(cnet.MultiLayerNet)
    other.__setstate__(whole)
    for each in (net, other):
        each.fit(X, T, epochs=2, optimizer="momentum")
    assert other.params == net.params
