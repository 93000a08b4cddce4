"""Pictures of how a network learns, drawn with matplotlib (``pip install "cnet-nn[plot]"``).

Every function draws into the axes that it is given as `ax`, or into a new figure, and
returns the axes; a function that needs several axes says so, and takes and returns as many.
Those that make moving pictures return the animation.
Nothing is shown or saved, and neither matplotlib's settings nor its backend are touched, so
all of it works without a display. Lines and letters follow the style under which the axes
were made, light or dark; the colours can be told apart with any kind of colour vision.

Examples
--------
>>> import cnet
>>> import cnet.plots
>>> x, t = cnet.datasets.make_digits(500, rng=0)
>>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
>>> history = net.fit(x, t, epochs=3, learning_rate=0.5)
>>> ax = cnet.plots.loss_curve(history)
>>> ax.get_ylabel()
'loss (nats)'
>>> ax.figure.savefig("loss.png")  # doctest: +SKIP
"""

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'cnet.plots needs matplotlib: pip install "cnet-nn[plot]"', name=error.name
    ) from error

from .animations import animate_batches, animate_boundary, animate_descent, animate_weights
from .confusion import confusion_matrix
from .curves import accuracy_curve, loss_curve, loss_curves
from .distortions import distortions
from .functions import activations, derivative, tangent
from .histograms import activation_histograms
from .images import digits, misread, weights
from .landscapes import gradient_field, surface
from .layers import DistributionRecorder, distributions
from .paths import descent, learning_rates
from .schedules import schedule
from .slices import loss_slice

__all__ = [
    "DistributionRecorder",
    "accuracy_curve",
    "activation_histograms",
    "activations",
    "animate_batches",
    "animate_boundary",
    "animate_descent",
    "animate_weights",
    "confusion_matrix",
    "derivative",
    "descent",
    "digits",
    "distortions",
    "distributions",
    "gradient_field",
    "learning_rates",
    "loss_curve",
    "loss_curves",
    "loss_slice",
    "misread",
    "schedule",
    "surface",
    "tangent",
    "weights",
]
