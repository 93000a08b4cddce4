"""Networks to and from PyTorch: an ``nn.Sequential`` of Linear and activation modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..checks import check_choice, excerpt, listed, printable
from ..losses import LOSSES, Loss, as_loss
from .assembled import assembled, check_net

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["from_torch", "to_torch"]

Array = npt.NDArray[Any]


def to_torch(net: MultiLayerNet, output: str = "predictions") -> Any:
    """Make a PyTorch module that computes what a network does.

    Parameters
    ----------
    net : cnet.MultiLayerNet
    output : {"predictions", "scores"}, default "predictions"
        What the module returns. "predictions": what ``net.predict`` returns; the last module is then Softmax with
        cross-entropy, Sigmoid with binary cross-entropy, and an exponential with Poisson loss. "scores": the last
        layer's scores (logits) without that module, as PyTorch's ``CrossEntropyLoss``, ``BCEWithLogitsLoss`` and
        ``PoissonNLLLoss`` take them to train on.

    Returns
    -------
    torch.nn.Sequential
        Linear and activation modules in turn, of the network's dtype, on the CPU, with copies of the parameters:
        ``W1`` is the transpose of ``"0.weight"``, ``b1`` is ``"0.bias"``, the next layer is number 2.

    Raises
    ------
    TypeError, ValueError
        If `net` is no network, or `output` is unknown.
    ModuleNotFoundError
        If PyTorch is not installed.

    See Also
    --------
    from_torch : The other way.
    names : What PyTorch calls the parameters, for model files.

    Notes
    -----
    The module takes plain numbers: of pixels as bytes, which ``net.predict`` divides by 255, it needs the quotients.
    PyTorch has no module for the exponential: that of a Poisson loss is ``cnet.exchange.exp.Exp``, which must be there
    when a module that was saved as a whole is loaded; a ``state_dict`` does not need it.

    Examples
    --------
    >>> import cnet
    >>> net = cnet.MultiLayerNet(4, [3], 2, "gelu", rng=0)
    >>> cnet.exchange.to_torch(net)
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): GELU(approximate='none')
      (2): Linear(in_features=3, out_features=2, bias=True)
      (3): Softmax(dim=-1)
    )
    """
    core = check_net(net)._core
    check_choice("output", output, ("predictions", "scores"))
    torch = _import_torch("to_torch")
    modules = []
    for W, b, activation in zip(core.weights, core.biases, (*core.activations, None), strict=True):
        # Its initial weights would be drawn from PyTorch's generator, of which the caller may have set the seed.
        linear = torch.nn.utils.skip_init(
            torch.nn.Linear, *W.shape, device="cpu", dtype=getattr(torch, net.dtype.name))
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(W.T, order="C")))
            linear.bias.copy_(torch.from_numpy(np.array(b)))
        modules.append(linear)
        if activation is not None:
            modules.append(_MODULES[activation](torch.nn))
    function = net.loss_function.output
    if output == "predictions" and function != "identity":
        modules.append(_OUTPUTS[function](torch.nn))
    return torch.nn.Sequential(*modules)


def from_torch(
    module: Any, loss: str | Loss | None = None, *, rng: int | np.random.Generator | None = None
) -> MultiLayerNet:
    """Make a network of a PyTorch module: an ``nn.Sequential`` of Linear and activation modules.

    Parameters
    ----------
    module : torch.nn.Module
        Sequentials may be nested. Activations are Identity, Sigmoid, Tanh, ReLU, LeakyReLU (slope 0.01), ELU (alpha 1),
        GELU (exact) and SiLU, one after each Linear but the last; none is the identity. Flatten, Identity and Dropout
        in any of its forms are passed over: they change nothing when the module is evaluated.
    loss : str or an object of cnet.losses, optional
        What the outputs mean. It is known, and need not be given, where the last module is Softmax or LogSoftmax
        (cross-entropy), Sigmoid (binary cross-entropy) or ``cnet.exchange.exp.Exp`` (Poisson). Where it is Linear,
        the module returns scores: give "cross_entropy" for those that were trained with ``CrossEntropyLoss``,
        "binary_cross_entropy" for ``BCEWithLogitsLoss``, "squared_error" for ``MSELoss`` and so on.
    rng : None, int or numpy.random.Generator
        The seed of mini-batches, should the network be trained further.

    Returns
    -------
    MultiLayerNet
        With copies of the parameters, float32 or float64 as they are. Its predictions are what the module returns in
        evaluation mode; the softmax, sigmoid or exponential of it where the module returns scores; and the
        exponentials of it where the last module is LogSoftmax.

    Raises
    ------
    TypeError, ValueError
        If it is a module that a network of cnet does not compute; the message names the layer and the reason. If
        nothing says what the outputs mean, or `loss` contradicts the last module.
    ModuleNotFoundError
        If PyTorch is not installed.

    See Also
    --------
    to_torch : The other way.

    Examples
    --------
    >>> import cnet, torch
    >>> from torch import nn
    >>> module = nn.Sequential(nn.Flatten(), nn.Linear(784, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 10))
    >>> cnet.exchange.from_torch(module, loss="cross_entropy")
    MultiLayerNet(784, [50], 10, activation='relu', loss='cross_entropy', dtype=float32)
    """
    given = None if loss is None else as_loss(loss)
    torch = _import_torch("from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    layers: list[_Layer] = []
    for step in _steps(torch, module, ""):
        _take(torch, layers, step)
    if not layers:
        raise ValueError("the module has no Linear layer")
    _check_types(torch, layers)
    for layer in layers[:-1]:
        if layer.activation in _LAST:
            layer.refuse_activation("a network of cnet has it as its output alone, after the last Linear")
    activations = [layer.activation or "identity" for layer in layers[:-1]]
    return assembled(
        [layer.weight for layer in layers], [layer.bias for layer in layers], activations,
        _loss_of(layers[-1], given), rng,
    )


def _import_torch(name: str) -> Any:
    try:
        import torch
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise ModuleNotFoundError(f"cnet.exchange.{name} needs PyTorch: pip install torch", name="torch") from None
    return torch


# ---- modules of PyTorch, by cnet's names ------------------------------------------


def _exp(nn: Any) -> Any:
    from .exp import Exp

    return Exp()


_MODULES: dict[str, Callable[[Any], Any]] = {
    "identity": lambda nn: nn.Identity(), "sigmoid": lambda nn: nn.Sigmoid(), "tanh": lambda nn: nn.Tanh(),
    "relu": lambda nn: nn.ReLU(), "leaky_relu": lambda nn: nn.LeakyReLU(0.01), "elu": lambda nn: nn.ELU(1.0),
    "gelu": lambda nn: nn.GELU(), "silu": lambda nn: nn.SiLU(),
}
_OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda nn: nn.Softmax(dim=-1), "sigmoid": lambda nn: nn.Sigmoid(), "exp": _exp,
}
# What may follow the last Linear: (the loss whose predictions it computes).
_LAST = {"softmax": "cross_entropy", "log_softmax": "cross_entropy", "exp": "poisson"}
_ALSO_LAST = {**_LAST, "sigmoid": "binary_cross_entropy"}


class _Step(NamedTuple):
    """A module on the way through another one, and how it is called there."""

    name: str
    module: Any

    def __str__(self) -> str:
        place = f"layer {excerpt(self.name)}, " if self.name else ""
        kind = type(self.module).__name__
        # One that holds others says all of theirs, too.
        return place + (kind if any(True for _ in self.module.children()) else printable(repr(self.module)))

    def refuse(self, reason: str) -> ValueError:
        return ValueError(f"{self}: {reason}")


class _Layer:
    """A Linear layer, and the activation that follows it."""

    def __init__(self, step: _Step, weight: Array, bias: Array) -> None:
        self.step, self.weight, self.bias = step, weight, bias
        self.activation: str | None = None
        self.follower: _Step | None = None

    def refuse_activation(self, reason: str) -> None:
        assert self.follower is not None
        raise self.follower.refuse(reason)


def _steps(torch: Any, module: Any, name: str, around: tuple[Any, ...] = ()) -> Iterator[_Step]:
    """The modules that are applied in turn, those in nested Sequentials too."""
    step, nn = _Step(name, module), torch.nn
    if any(isinstance(each, nn.parameter.UninitializedTensorMixin) for each in module._parameters.values()):
        raise step.refuse("it has no weights yet: pass a sample through the module first")
    if module._forward_hooks or module._forward_pre_hooks:
        raise step.refuse("it has a hook, which may change what it computes: remove it (weight and spectral norms: "
                          "remove their parametrization) first")
    if type(module).forward is not nn.Sequential.forward:
        yield step
        return
    if any(module is outer for outer in around):
        raise step.refuse("it contains itself")
    # Not named_children(), which passes over a module that comes a second time.
    for own, child in module._modules.items():
        yield from _steps(torch, child, f"{name}.{own}" if name else own, (*around, module))


def _take(torch: Any, layers: list[_Layer], step: _Step) -> None:
    """Add what a module computes to the layers so far."""
    nn, module = torch.nn, step.module
    forward = type(module).forward
    if forward is nn.Linear.forward:
        layers.append(_linear(torch, step))
        if len(layers) > 1 and len(layers[-2].bias) != len(layers[-1].weight):
            raise step.refuse(f"it takes {len(layers[-1].weight)} inputs, but {layers[-2].step} has "
                              f"{len(layers[-2].bias)} outputs")
    elif forward is nn.Flatten.forward:
        if (module.start_dim, module.end_dim) != (1, -1):
            raise step.refuse("only Flatten(start_dim=1, end_dim=-1) makes a row of each sample")
    elif forward not in {kind.forward for kind in _ignored(nn)}:
        _activate(nn, layers, step)


def _ignored(nn: Any) -> tuple[Any, ...]:
    """What changes nothing when a module is evaluated."""
    return nn.Identity, nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout


def _activate(nn: Any, layers: list[_Layer], step: _Step) -> None:
    activation = _activation_of(nn, step)
    if not layers:
        raise step.refuse("it comes before the first Linear: apply it to the inputs instead")
    layer = layers[-1]
    if layer.activation is not None:
        raise step.refuse(f"it follows another activation, {layer.follower}; a layer of cnet has one")
    layer.activation, layer.follower = activation, step


def _activation_of(nn: Any, step: _Step) -> str:
    """cnet's name of an activation, or of what may be the last module."""
    module = step.module
    plain = {
        nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.ReLU: "relu", nn.SiLU: "silu", nn.LeakyReLU: "leaky_relu",
        nn.ELU: "elu", nn.GELU: "gelu", nn.Softmax: "softmax", nn.LogSoftmax: "log_softmax",
    }
    found = {kind.forward: name for kind, name in plain.items()}.get(type(module).forward)
    if found is None:
        from .exp import Exp

        if isinstance(module, Exp):
            return "exp"
        raise step.refuse(_reason(nn, module))
    if found == "leaky_relu" and module.negative_slope != 0.01:
        raise step.refuse(f"its slope is {module.negative_slope}, that of cnet's leaky_relu is 0.01")
    if found == "elu" and module.alpha != 1:
        raise step.refuse(f"its alpha is {module.alpha}, that of cnet's elu is 1")
    if found == "gelu" and module.approximate != "none":
        raise step.refuse(f"it is approximated by {module.approximate!r}, cnet's gelu is exact: GELU()")
    if found.endswith("softmax") and module.dim not in (1, -1, None):
        raise step.refuse(f"it goes along dimension {module.dim}; classes are dimension 1")
    return found


def _reason(nn: Any, module: Any) -> str:
    """Why a module has no place in a network of cnet."""
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return ("cnet has no such layer; a BatchNorm that follows a Linear is made part of it by "
                "torch.nn.utils.fusion.fuse_linear_bn_eval")
    if isinstance(module, nn.Sequential | nn.Linear) or any(True for _ in module.children()):
        return ("what its forward computes cannot be read from outside; write it as an nn.Sequential of Linear and "
                "activation modules")
    return ("a network of cnet has none; it has Linear, Identity, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, GELU and SiLU, "
            "and at its end Softmax, LogSoftmax or Sigmoid")


# ---- parameters ------------------------------------------------------------------


def _linear(torch: Any, step: _Step) -> _Layer:
    """Weights and biases of a Linear module, as cnet has them."""
    module = step.module
    for name, tensor in (("weight", module.weight), ("bias", module.bias)):
        if tensor is None:
            continue
        if tensor.dtype not in (torch.float32, torch.float64):
            raise step.refuse(f"its {name} is {tensor.dtype}; cnet has float32 and float64: module.float() converts")
        if tensor.device.type == "meta" or tensor.layout is not torch.strided:
            raise step.refuse(f"its {name} has no values in memory, or a sparse layout")
    if module.weight.ndim != 2 or 0 in module.weight.shape:
        raise step.refuse(f"its weight has the shape {tuple(module.weight.shape)}")
    weight = module.weight.detach().cpu().numpy().T
    bias = np.zeros(weight.shape[1], weight.dtype) if module.bias is None else module.bias.detach().cpu().numpy()
    if bias.shape != (weight.shape[1],):
        raise step.refuse(f"its bias has the shape {bias.shape}, expected ({weight.shape[1]},)")
    return _Layer(step, weight, bias)


def _check_types(torch: Any, layers: list[_Layer]) -> None:
    first = layers[0]
    for layer in layers:
        for name, array in (("weight", layer.weight), ("bias", layer.bias)):
            if array.dtype != first.weight.dtype:
                raise layer.step.refuse(f"its {name} is {array.dtype}, the first layer's weight {first.weight.dtype}; "
                                        "module.float() makes them all the same")
            if not np.isfinite(array).all():
                raise layer.step.refuse(f"its {name} has values that are not finite")


# ---- what the outputs mean -------------------------------------------------------


def _loss_of(last: _Layer, given: Loss | None) -> Loss:
    """The loss whose predictions the last layer and what follows it compute."""
    activation = last.activation
    if activation is None:
        if given is None:
            raise ValueError(
                f'{last.step} is the last, so the module returns scores, and nothing says what they mean: pass '
                'loss="cross_entropy" if it was trained with CrossEntropyLoss, loss="binary_cross_entropy" with '
                f'BCEWithLogitsLoss, loss="squared_error" with MSELoss; there are {listed(LOSSES)}'
            )
        return given
    name = _ALSO_LAST.get(activation)
    if name is None:
        last.refuse_activation("the last layer of a network of cnet has no activation but Softmax or Sigmoid")
        raise AssertionError
    if given is not None and given.name != name:
        last.refuse_activation(f"as the last module it belongs to {name}, but loss is {given.name}")
    return LOSSES[name]()
