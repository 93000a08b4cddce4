"""Networks to and from PyTorch, whose own modules say what is right."""

import io

import numpy as np
import pytest

import cnet
from cnet.exchange import from_torch, names, to_torch

from .conftest import agree

torch = pytest.importorskip("torch")
nn = torch.nn
# These modules are small, and other tests may run beside these.
torch.set_num_threads(1)


def run(module, x):
    with torch.no_grad():
        return module.eval()(torch.from_numpy(np.asarray(x))).numpy()


def test_predictions_are_kept(some_network):
    net, x = some_network
    module = to_torch(net)
    assert type(module) is nn.Sequential
    agree(run(module, x), net.predict(x))
    agree(run(module, x[0]), net.predict(x[0]))


def test_scores_are_what_pytorchs_losses_take(some_network):
    net, x = some_network
    scores = torch.from_numpy(run(to_torch(net, output="scores"), x))
    function = {"cross_entropy": lambda s: torch.softmax(s, 1), "binary_cross_entropy": torch.sigmoid,
                "poisson": torch.exp}.get(net.loss_function.name, lambda s: s)
    agree(function(scores).numpy(), net.predict(x))


def test_there_and_back(some_network):
    net, x = some_network
    scores = to_torch(net, output="scores")
    back = from_torch(scores, loss=net.loss_function, rng=0)
    assert back.params == net.params and back.dtype == net.dtype and back.loss_function == net.loss_function
    assert back._core.activations == net._core.activations
    np.testing.assert_array_equal(back.predict(x), net.predict(x))
    # A loss without a parameter is known from the last module.
    if net.loss_function.output != "identity":
        assert from_torch(to_torch(net)).loss_function == net.loss_function


def test_the_parameters_are_copies():
    net = cnet.MultiLayerNet(3, [4], 2, rng=0)
    module = to_torch(net)
    back = from_torch(module)
    before = net.params.copy()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 1
    assert net.params == before and back.params == before


def test_pytorchs_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    to_torch(cnet.MultiLayerNet(3, [4], 2))
    assert torch.equal(torch.rand(3), expected)


def test_a_module_can_be_trained_and_saved():
    x, t = cnet.datasets.make_digits(200, rng=0)
    net = cnet.MultiLayerNet(784, [20], 10, rng=0)
    module = to_torch(net, output="scores")
    inputs, targets = torch.from_numpy(x / np.float32(255)), torch.from_numpy(t.astype(np.int64))
    loss = nn.functional.cross_entropy(module(inputs), targets)
    assert float(loss.detach()) == pytest.approx(net.loss(x, t), rel=1e-5)
    loss.backward()
    gradient = net.gradient(x, t)
    for name, (other, transposed) in names(net, "pytorch").items():
        theirs = module.get_parameter(other).grad.numpy()
        np.testing.assert_allclose(theirs.T if transposed else theirs, gradient[name], rtol=1e-3, atol=1e-6)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    again = to_torch(net, output="scores")
    again.load_state_dict(torch.load(file, weights_only=True))


def test_a_model_file_is_read_without_cnet(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    net = cnet.MultiLayerNet(3, [4, 5], 2, ["tanh", "relu"], rng=0)
    net.save(tmp_path / "net.safetensors")
    tensors = safetensors.load_file(tmp_path / "net.safetensors")
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    module.load_state_dict({
        other: torch.from_numpy(np.ascontiguousarray(tensors[name].T if transposed else tensors[name]))
        for name, (other, transposed) in names(net, "pytorch").items()
    })
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    agree(torch.softmax(torch.from_numpy(run(module, x)), 1), net.predict(x))


def test_a_module_of_pytorch():
    """Nested, with what changes nothing in evaluation, without a bias here and there, the same ReLU twice."""
    torch.manual_seed(0)
    relu = nn.ReLU()
    features = nn.Sequential(nn.Linear(12, 8, bias=False), relu, nn.Dropout(0.5))
    module = nn.Sequential(
        nn.Flatten(), nn.Identity(), nn.Sequential(features, nn.Linear(8, 6), relu), nn.AlphaDropout(0.1),
        nn.Linear(6, 5), nn.Identity(), nn.Linear(5, 4), nn.Softmax(dim=1),
    )
    net = from_torch(module, rng=0)
    assert net.sizes == (12, 8, 6, 5, 4) and net.activation == ("relu", "relu", "identity")
    assert not net.params["b1"].any()
    x = np.random.default_rng(0).normal(size=(7, 3, 4)).astype(np.float32)
    agree(run(module, x), net.predict(x.reshape(7, 12)))


@pytest.mark.parametrize(("last", "loss"), [
    (nn.Softmax(dim=1), "cross_entropy"), (nn.Softmax(dim=-1), "cross_entropy"),
    (nn.Sigmoid(), "binary_cross_entropy"),
])
def test_the_loss_is_known_from_the_last_module(last, loss):
    module = nn.Sequential(nn.Linear(3, 2), last)
    net = from_torch(module)
    assert net.loss_function.name == loss == from_torch(module, loss=loss).loss_function.name
    x = np.eye(3, dtype=np.float32)
    agree(run(module, x), net.predict(x))
    other = "squared_error"
    with pytest.raises(ValueError, match=f"layer '1', {type(last).__name__}.*belongs to {loss}, but loss is {other}"):
        from_torch(module, loss=other)


def test_logarithms_of_probabilities():
    module = nn.Sequential(nn.Linear(3, 4), nn.LogSoftmax(dim=1))
    x = np.eye(3, dtype=np.float32)
    agree(np.exp(run(module, x)), from_torch(module).predict(x))


def test_a_single_linear_and_a_loss_object():
    module = nn.Linear(3, 1, dtype=torch.float64)
    net = from_torch(module, loss=cnet.losses.Huber(2.0))
    assert repr(net) == "MultiLayerNet(3, [], 1, activation=(), loss=Huber(delta=2.0), dtype=float64)"


def test_a_parametrized_weight_is_read_as_it_is():
    torch.manual_seed(0)
    module = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.Tanh(), nn.Linear(4, 2))
    net = from_torch(module, loss="squared_error")
    x = np.eye(3, dtype=np.float32)
    agree(run(module, x), net.predict(x))


def itself():
    module = nn.Sequential(nn.Linear(2, 2))
    module.append(module)
    return module


def hooked():
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    module[1].register_forward_hook(lambda *arguments: None)
    return module


def with_nan():
    module = nn.Sequential(nn.Linear(2, 2))
    with torch.no_grad():
        module[0].bias[1] = float("nan")
    return module


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)


class OwnLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 1


REFUSED = {
    "batch norm": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2))),
                   r"layer '1\.0', BatchNorm1d\(2.*fuse_linear_bn_eval"),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3)), r"layer '0', Conv2d\(.*has none"),
    "slope": (lambda: nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.2)), r"layer '1', LeakyReLU\(.*slope is 0\.2"),
    "alpha": (lambda: nn.Sequential(nn.Linear(2, 2), nn.ELU(0.5)), r"layer '1', ELU\(.*alpha is 0\.5"),
    "approximate": (lambda: nn.Sequential(nn.Linear(2, 2), nn.GELU("tanh")), r"layer '1', GELU\(.*approximated"),
    "softplus": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softplus()), r"layer '1', Softplus\(.*has none"),
    "two": (lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Tanh(), nn.Linear(2, 2)),
            r"layer '2', Tanh\(\): it follows another activation, layer '1', ReLU\(\)"),
    "first": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(2, 2)), r"layer '0', Tanh\(\): it comes before"),
    "last": (lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU()), r"layer '1', ReLU\(\): the last layer"),
    "softmax inside": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softmax(1), nn.Linear(2, 2)),
                       r"layer '1', Softmax\(dim=1\): .* after the last Linear"),
    "softmax over rows": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softmax(0)), r"layer '1', .*dimension 0"),
    "flatten": (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(2, 2)), r"layer '0', Flatten\(.*start_dim=1"),
    "shapes": (lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 2)),
               r"layer '1', Linear\(.*takes 2 inputs, but layer '0', Linear.* has 3 outputs"),
    "half": (lambda: nn.Sequential(nn.Linear(2, 2, dtype=torch.float16)), r"layer '0', .*torch\.float16"),
    "types": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, dtype=torch.float64)),
              r"layer '1', .*weight is float64, the first layer's weight float32"),
    "meta": (lambda: nn.Sequential(nn.Linear(2, 2, device="meta")), r"layer '0', .*no values in memory"),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(2)), r"layer '0', LazyLinear\(.*no weights yet"),
    "empty": (lambda: nn.Sequential(), "no Linear layer"),
    "own": (lambda: nn.Sequential(Own()), r"layer '0', Own: what its forward computes"),
    "own alone": (Own, r"^Own: what its forward computes"),
    "own linear": (lambda: nn.Sequential(OwnLinear(2, 2)), r"layer '0', OwnLinear.*what its forward computes"),
    "list": (lambda: nn.ModuleList([nn.Linear(2, 2)]), r"^ModuleList: what its forward computes"),
    "itself": (itself, "layer '1', .*it contains itself"),
    "hook": (hooked, r"layer '1', ReLU\(\): it has a hook"),
    "not finite": (with_nan, r"layer '0', Linear\(.*bias has values that are not finite"),
    "deep": (lambda: nn.Sequential(*(nn.Linear(2, 2) for _ in range(18))), "at most 17 layers with weights"),
}


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("name", REFUSED)
def test_an_error_names_the_layer(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        from_torch(make(), loss="squared_error")


def test_scores_need_a_loss():
    with pytest.raises(ValueError, match="nothing says what they mean.*CrossEntropyLoss.*'huber'"):
        from_torch(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module, got str"):
        from_torch("module")
    with pytest.raises(ValueError, match="loss must be one of"):
        from_torch(nn.Linear(2, 2), loss="hinge")
