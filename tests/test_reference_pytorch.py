"""The specification against PyTorch 2.13.0 in float64, as far as PyTorch has the same.

To print PyTorch's numbers again: ``python tests/test_reference_pytorch.py`` (torch is needed for that alone).
"""

import numpy as np
import pytest

from cnet import reference


def numbers(shape, step, scale=0.1):
    """Numbers from -5 to 5 times `scale`, from integers: the same everywhere."""
    count = int(np.prod(shape))
    return ((np.arange(count) * step) % 11 - 5).reshape(shape) * scale


# ---- activations -----------------------------------------------------------------

POINTS = [-3.0, -0.5, 0.0, 0.5, 3.0]
# Values and derivatives at these points, by PyTorch.
PYTORCH_ACTIVATIONS = {
    "identity": (
        [-3.0, -0.5, 0.0, 0.5, 3.0],
        [1.0, 1.0, 1.0, 1.0, 1.0],
    ),
    "sigmoid": (
        [0.04742587317756678, 0.3775406687981454, 0.5, 0.6224593312018546, 0.9525741268224334],
        [0.04517665973091214, 0.2350037122015945, 0.25, 0.2350037122015945, 0.045176659730912],
    ),
    "tanh": (
        [-0.9950547536867305, -0.46211715726000974, 0.0, 0.46211715726000974, 0.9950547536867305],
        [0.009866037165440166, 0.7864477329659274, 1.0, 0.7864477329659274, 0.009866037165440166],
    ),
    "relu": (
        [0.0, 0.0, 0.0, 0.5, 3.0],
        [0.0, 0.0, 0.0, 1.0, 1.0],
    ),
    "leaky_relu": (
        [-0.03, -0.005, 0.0, 0.5, 3.0],
        [0.01, 0.01, 0.01, 1.0, 1.0],
    ),
    "elu": (
        [-0.950212931632136, -0.3934693402873666, 0.0, 0.5, 3.0],
        [0.049787068367863944, 0.6065306597126334, 1.0, 1.0, 1.0],
    ),
    "gelu": (
        [-0.00404969409489031, -0.15426876936299344, 0.0, 0.34573123063700656, 2.99595030590511],
        [-0.01194564720418392, 0.13250487534383712, 0.5, 0.8674951246561629, 1.011945647204184],
    ),
    "silu": (
        [-0.14227761953270035, -0.1887703343990727, 0.0, 0.3112296656009273, 2.8577223804672998],
        [-0.08810410601516962, 0.2600388126973482, 0.5, 0.7399611873026519, 1.0881041060151693],
    ),
}


@pytest.mark.parametrize("activation", PYTORCH_ACTIVATIONS)
def test_activations_and_slopes_are_pytorchs(activation):
    a = np.array(POINTS)
    value, slope = PYTORCH_ACTIVATIONS[activation]
    z = reference.activate(a, activation)
    np.testing.assert_allclose(z, value, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(reference.activation_grad(z, activation, a), slope, rtol=1e-13, atol=1e-16)


# ---- losses ----------------------------------------------------------------------

PARAMETER = {"huber": 0.7}
# Scores of three rows and two outputs, weights of rows 1, 2 and 0.5; targets; loss and derivatives, by PyTorch.
PYTORCH_LOSSES = {
    "cross_entropy": (1.1686918962403596, [-0.4224346493852264, 0.42243464938522657]),
    "binary_cross_entropy": (1.679908593003246, [-0.06705004746396608, -0.026485237028502917]),
    "squared_error": (6.762857142857143, [-0.9999999999999998, 1.9428571428571426]),
    "absolute_error": (4.085714285714286, [-1.0, 0.14285714285714285]),
    "huber": (2.375714285714286, [-0.6428571428571428, 0.09999999999999999]),
    "poisson": (5.669631912949855, [-1.074461815487546, 3.1777007974978337]),
}


def loss_problem(loss_function):
    """Scores, targets, weights and label smoothing of the comparison with PyTorch."""
    s = numbers((3, 2), 3, 0.6)
    t = {
        "cross_entropy": np.array([1, 0, 1]), "binary_cross_entropy": np.array([[1, 0], [0.3, 1], [0, 0.8]]),
        "poisson": np.array([[1.0, 3], [2, 4], [5, 1]]),
    }.get(loss_function, numbers((3, 2), 4, 0.5))
    return s, t, np.array([1, 2, 0.5]), 0.1 if loss_function.endswith("cross_entropy") else 0.0


@pytest.mark.parametrize("loss_function", PYTORCH_LOSSES)
def test_losses_and_derivatives_are_pytorchs(loss_function):
    s, t, weight, smoothing = loss_problem(loss_function)
    options = {"loss_function": loss_function, "loss_parameter": PARAMETER.get(loss_function),
               "sample_weight": weight, "label_smoothing": smoothing}
    value, bias = PYTORCH_LOSSES[loss_function]
    # A network without hidden layers whose scores are its inputs.
    params = {"W1": np.eye(2), "b1": np.zeros(2)}
    assert reference.loss(params, s, t, "relu", **options) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(reference.gradient(params, s, t, "relu", **options)["b1"], bias, rtol=1e-12, atol=1e-15)


# ---- optimizers ------------------------------------------------------------------

# Optimizer, rate, hyper-parameters. Epsilons are given where PyTorch's default is another.
STEPS = {
    "sgd": (0.1, {}),
    "momentum": (0.02, {"momentum": 0.9}),
    "nesterov": (0.02, {"momentum": 0.9}),
    "adagrad": (0.05, {"epsilon": 1e-7}),
    "rmsprop": (0.005, {"decay_rate": 0.99, "epsilon": 1e-7}),
    "adam": (0.01, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
    "adamw": (0.01, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1}),
}
ITERATIONS, ROWS, BATCH = 500, 8, 3


def training_problem():
    """A 2-3-2 network and its data, from integers."""
    params = {"W1": numbers((2, 3), 7), "b1": numbers(3, 2), "W2": numbers((3, 2), 5, 0.2), "b2": numbers(2, 3)}
    return params, numbers((ROWS, 2), 4, 0.3), np.array([0, 1, 1, 0, 1, 0, 0, 1])


# All parameters after 500 iterations, by PyTorch.
PYTORCH_TRAINED = {
    "sgd": [
        -1.0064078426791379, 0.2171085452002727, -3.019243495322062, 0.09770377877058078, 0.062368220274142766,
        -1.059337919174731, -0.4780619896822412, -0.6055751192467823, 0.9896259646520302, -1.0769890053995743,
        0.07698900539957361, 0.9482174577168884, -0.1482174577168892, 2.0333980636737463, -1.633398063673747,
        -0.8700831354183722, 0.1700831354183723,
    ],
    "momentum": [
        -1.6055638004375599, 0.3357827831484304, -3.9767251675119173, -0.4684302244337824, -0.039045525223614964,
        -1.45027667849406, -0.761657226081846, -0.6571082797456734, 1.1260369544979678, -1.5030022664336984,
        0.5030022664336979, 1.0920124467889487, -0.29201244678894783, 2.7197772932133346, -2.319777293213334,
        -1.1110903996197237, 0.4110903996197235,
    ],
    "nesterov": [
        -1.6398894267166944, 0.3186832775469501, -3.979944448547426, -0.4839756984245444, -0.029092836699179277,
        -1.4563238839889836, -0.7814160861763865, -0.6872314851423945, 1.1181283886574331, -1.5234791384598345,
        0.5234791384598344, 1.0773337036831536, -0.2773337036831551, 2.727678267903409, -2.327678267903406,
        -1.1094698565836916, 0.40946985658369167,
    ],
    "adagrad": [
        -0.337415679889982, -0.129106512567077, -0.7102294019381225, 0.30985039404983733, 0.2160695741467148,
        -0.31869322487463037, -0.6572654944070538, -0.3285764106166988, 0.12959766557261865, -0.8392182286926373,
        -0.1607817713073628, 0.8996194903771048, -0.09961949037710482, 1.3005680305340477, -0.9005680305340464,
        -0.5193558322469909, -0.18064416775300854,
    ],
    "rmsprop": [
        -0.4474297497437786, -0.0909099011681968, -0.8759836946104093, 0.2561017039559134, 0.21042661121116032,
        -0.37065176871158045, -0.6059867207736702, -0.38592639428810266, 0.26387007458748296, -0.8196027306829944,
        -0.18039726931700661, 0.8947295505104143, -0.09472955051041476, 1.359355375522099, -0.9593553755220993,
        -0.5672505442555997, -0.13274945574439997,
    ],
    "adam": [
        -0.6926316399739602, 0.0065286338536768235, -1.3052187747383641, 0.19671408578825997, 0.12043865231668116,
        -0.4859730444248967, -0.5046948040481166, -0.47686526502248744, 0.5069150093971069, -0.8896642281716367,
        -0.11033577182836257, 1.0063710974007238, -0.20637109740072518, 1.5665353241234015, -1.1665353241234024,
        -0.6368579900320525, -0.063142009967948,
    ],
    "adamw": [
        -0.28878746126908833, -0.08094417755766734, -1.0133786324651675, 0.17297898033013206, -0.06967649407612603,
        -0.3773496181910625, -0.5455237978687465, -0.37136389235269457, 0.43597905538550713, -0.423905076482014,
        -0.18247386837917054, 0.6492531132882522, -0.16414995739930457, 1.1617628924819474, -0.9192113145374715,
        -0.5962760959929276, -0.10372390400707363,
    ],
}


@pytest.mark.parametrize("optimizer", PYTORCH_TRAINED)
def test_five_hundred_steps_are_pytorchs(optimizer):
    params, x, t = training_problem()
    rate, hyper = STEPS[optimizer]
    reference.fit(params, x, t, "tanh", iterations=ITERATIONS, batch_size=BATCH, learning_rate=rate, sampling="shuffle",
                  key=3, optimizer=optimizer, hyper=hyper)
    actual = np.concatenate([array.ravel() for array in params.values()])
    np.testing.assert_allclose(actual, PYTORCH_TRAINED[optimizer], rtol=0, atol=1e-9)


# ---- PyTorch's numbers -------------------------------------------------------------


def pytorchs_optimizer(optim, name, params, rate, hyper):
    """One of PyTorch's optimizers; weight decay, if any, is on weights alone."""
    groups = [{"params": [params["W1"], params["W2"]], "weight_decay": hyper.get("weight_decay", 0.0)},
              {"params": [params["b1"], params["b2"]], "weight_decay": 0.0}]
    if name in ("adam", "adamw"):
        make = optim.Adam if name == "adam" else optim.AdamW
        return make(groups, lr=rate, betas=(hyper["beta1"], hyper["beta2"]), eps=hyper["epsilon"])
    if name == "adagrad":
        return optim.Adagrad(groups, lr=rate, eps=hyper["epsilon"])
    if name == "rmsprop":
        return optim.RMSprop(groups, lr=rate, alpha=hyper["decay_rate"], eps=hyper["epsilon"])
    return optim.SGD(groups, lr=rate, momentum=hyper.get("momentum", 0.0), nesterov=name == "nesterov")


def print_pytorchs_numbers():
    """Print the tables PYTORCH_*."""
    import torch
    from torch.nn import functional

    torch.set_default_dtype(torch.float64)

    def show(name, *values):
        flat = [[float(each) for each in np.ravel(value)] for value in values]
        print(f'    "{name}": {flat if len(flat) > 1 else flat[0]},')

    functions = {
        "identity": lambda a: a + 0, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "leaky_relu": functional.leaky_relu, "elu": functional.elu, "gelu": functional.gelu, "silu": functional.silu,
    }
    print("PYTORCH_ACTIVATIONS")
    for name, function in functions.items():
        a = torch.tensor(POINTS, requires_grad=True)
        z = function(a)
        z.sum().backward()
        show(name, z.detach(), a.grad)

    print("PYTORCH_LOSSES")
    none = {"reduction": "none"}
    rows = {
        "cross_entropy": lambda s, t, e: functional.cross_entropy(s, t, label_smoothing=e, **none),
        "binary_cross_entropy": lambda s, t, e: functional.binary_cross_entropy_with_logits(
            s, t * (1 - e) + e / 2, **none).sum(dim=1),
        "squared_error": lambda s, t, e: functional.mse_loss(s, t, **none).sum(dim=1) / 2,
        "absolute_error": lambda s, t, e: functional.l1_loss(s, t, **none).sum(dim=1),
        "huber": lambda s, t, e: functional.huber_loss(s, t, delta=PARAMETER["huber"], **none).sum(dim=1),
        # PyTorch leaves out what does not depend on the scores.
        "poisson": lambda s, t, e: (functional.poisson_nll_loss(s, t, **none) + t * torch.log(t) - t).sum(dim=1),
    }
    for name, function in rows.items():
        s, t, weight, smoothing = loss_problem(name)
        bias = torch.zeros(2, requires_grad=True)
        weight = torch.tensor(weight)
        loss = (weight * function(torch.tensor(s) + bias, torch.tensor(t), smoothing)).sum() / weight.sum()
        loss.backward()
        print(f'    "{name}": ({float(loss.detach())}, {bias.grad.tolist()}),')

    print("PYTORCH_TRAINED")
    for name, (rate, hyper) in STEPS.items():
        params, x, t = training_problem()
        params = {key: torch.tensor(array, requires_grad=True) for key, array in params.items()}
        x, t = torch.tensor(x), torch.tensor(t)
        optimizer = pytorchs_optimizer(torch.optim, name, params, rate, hyper)
        per_epoch = -(-ROWS // BATCH)
        for iteration in range(ITERATIONS):
            epoch, place = divmod(iteration, per_epoch)
            rows = reference.shuffle_rows(3, epoch, ROWS)[place * BATCH : (place + 1) * BATCH]
            z = torch.tanh(x[rows] @ params["W1"] + params["b1"])
            optimizer.zero_grad()
            functional.cross_entropy(z @ params["W2"] + params["b2"], t[rows]).backward()
            optimizer.step()
        show(name, np.concatenate([array.detach().numpy().ravel() for array in params.values()]))


if __name__ == "__main__":
    print_pytorchs_numbers()
