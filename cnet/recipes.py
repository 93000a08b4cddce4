"""Recipes: whole settings for reading MNIST's digits, from the book's network to a committee that holds a record.

A recipe is a table that you can print, change and train by::

    print(recipes.ACCURATE)
    net = recipes.ACCURATE.train(x_train, t_train, rng=0)
    shorter = dataclasses.replace(recipes.ACCURATE, epochs=10)

On the command line, ``cnet train --data mnist --recipe accurate`` is the same.

Examples
--------
>>> import cnet
>>> from cnet import recipes
>>> x, t = cnet.datasets.make_digits(2000, rng=0)
>>> net = recipes.FASTEST.train(x, t, rng=0)
>>> net.sizes
(784, 128, 10)
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from .augment import Distort
from .checks import check_count
from .committee import Committee
from .committee_checks import MOST_NETWORKS, check_preprocessing
from .committee_training import check_before_fit, train_one
from .core._arrays import real_array
from .networks import MultiLayerNet, TwoLayerNet
from .optimizer_base import Optimizer
from .optimizers import SGD, AdamW
from .options import check_options
from .preprocess import Normalize
from .schedule_base import Schedule
from .schedules import Cosine, Linear

__all__ = [
    "ACCURATE", "CHAPTER", "COMMITTEE", "DEEP", "FAST", "FASTER", "FASTEST", "PLAIN", "RECIPES", "RECORD", "Recipe",
]

# What is no argument of fit.
OF_THE_NETWORK = ("name", "about", "hidden", "activation", "weight_init_std", "networks", "preprocessing")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a training: the network, the arguments of ``fit``, and how many networks.

    Parameters
    ----------
    name, about : str
        What it is called, and what it is for.
    hidden : tuple of int
        The units of each hidden layer.
    activation : str, default "relu"
        Of all hidden layers.
    weight_init_std : float or str, default "he"
        The initial weights, as `cnet.MultiLayerNet` takes them.
    networks : int, default 1
        Several of them become a `cnet.Committee`.
    preprocessing : tuple of cnet.preprocess.Normalize or None, default ()
        What is done to images: one way for all networks, or several that a committee's networks take in turn. Without
        any they see images as they are.
    epochs, iterations : int, optional
        How long to train each network: one of them.
    batch_size : int, default 128
    sampling : str, default "shuffle"
    optimizer : an object of cnet.optimizers, default AdamW()
    learning_rate : float, default 0.001
    schedule : an object of cnet.schedules, optional
    dropout : float or tuple of float, default 0
    input_dropout, input_noise, adversarial, label_smoothing : float, default 0
    max_norm, averaging : float, optional
    augment : cnet.augment.Distort, optional
        As `cnet.MultiLayerNet.fit` takes them.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type or out of range, or does not go with another one; the message names it.

    Examples
    --------
    >>> from cnet.recipes import Recipe
    >>> print(Recipe(name="mine", about="a small network", hidden=(20,), epochs=3))
    mine: a small network
      hidden           20
      activation       relu
      weight_init_std  he
      epochs           3
      batch_size       128
      sampling         shuffle
      optimizer        AdamW(lr=None, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01)
      learning_rate    0.001
    """

    name: str
    about: str
    hidden: tuple[int, ...]
    activation: str = "relu"
    weight_init_std: float | str = "he"
    networks: int = 1
    preprocessing: tuple[Normalize | None, ...] = ()
    epochs: int | None = None
    iterations: int | None = None
    batch_size: int = 128
    sampling: str = "shuffle"
    optimizer: Optimizer = AdamW()
    learning_rate: float = 0.001
    schedule: Schedule | None = None
    dropout: float | tuple[float, ...] = 0.0
    input_dropout: float = 0.0
    input_noise: float = 0.0
    adversarial: float = 0.0
    label_smoothing: float = 0.0
    max_norm: float | None = None
    averaging: float | None = None
    augment: Distort | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.hidden, list | tuple):
            raise TypeError(f"hidden must be a tuple of units, got {self.hidden!r}")
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if isinstance(self.dropout, list):
            object.__setattr__(self, "dropout", tuple(self.dropout))
        check_count("networks", self.networks, MOST_NETWORKS)
        if not isinstance(self.preprocessing, list | tuple) or not all(
                isinstance(each, Normalize | None) for each in self.preprocessing):
            raise TypeError("preprocessing must be a tuple of cnet.preprocess.Normalize or None, such as "
                            f"(Normalize(),), got {self.preprocessing!r}")
        object.__setattr__(self, "preprocessing", tuple(self.preprocessing))
        if len(self.preprocessing) > 1 and self.networks == 1:
            raise ValueError("preprocessing of several kinds is that of a committee's networks, which take it in turn; "
                             f"with networks = 1 give one kind, got {self.preprocessing!r}")
        if (self.epochs is None) == (self.iterations is None):
            raise ValueError(f"give epochs or iterations, one of them (got {self.epochs!r} and {self.iterations!r})")
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(f"optimizer must be an object of cnet.optimizers, got {self.optimizer!r}")
        if not isinstance(self.schedule, Schedule | None):
            raise TypeError(f"schedule must be None or an object of cnet.schedules, got {self.schedule!r}")
        # Checks the layers.
        self.network(1, 1, rng=0)
        check_options(n_hidden=len(self.hidden), **self.fit_options())

    def network(
        self, n_inputs: int = 784, n_classes: int = 10, *, rng: int | np.random.Generator | None = None
    ) -> MultiLayerNet:
        """Make a network with its initial weights.

        Parameters
        ----------
        n_inputs, n_classes : int
        rng : None, int or numpy.random.Generator
            As `cnet.MultiLayerNet` takes it.

        Returns
        -------
        TwoLayerNet or MultiLayerNet
            The first with one hidden layer.

        Examples
        --------
        >>> from cnet import recipes
        >>> recipes.CHAPTER.network(rng=0)
        TwoLayerNet(784, 50, 10, activation='sigmoid', dtype=float32)
        """
        std: Any = self.weight_init_std
        if len(self.hidden) == 1:
            return TwoLayerNet(n_inputs, self.hidden[0], n_classes, std, activation=self.activation, rng=rng)
        return MultiLayerNet(n_inputs, self.hidden, n_classes, self.activation, std, rng=rng)

    def fit_options(self) -> dict[str, Any]:
        """Return the arguments of `cnet.MultiLayerNet.fit`; how a committee preprocesses is none of them.

        Returns
        -------
        dict of str to object

        Examples
        --------
        >>> from cnet import recipes
        >>> recipes.CHAPTER.fit_options()["learning_rate"]
        0.1
        """
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in OF_THE_NETWORK}

    def train(
        self, x: npt.ArrayLike, t: npt.ArrayLike, *, rng: int | np.random.Generator | None = None, **options: Any
    ) -> MultiLayerNet | Committee:
        """Train a network, or a committee, by the recipe.

        Parameters
        ----------
        x : array_like, shape (N, I)
            Images, one in each row.
        t : array_like
            Their classes, as indices (N,) or one-hot rows (N, O).
        rng : None, int or numpy.random.Generator
            The seed of everything.
        **options
            More arguments of ``fit``, such as ``progress=True`` or ``validation_data``, and ``preprocessing``; with
            several networks those of ``Committee.train``, such as ``folder``. They take the place of the recipe's own.

        Returns
        -------
        TwoLayerNet, MultiLayerNet or Committee
            The last with several networks, or with preprocessing: a committee of one takes images as they are, too.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type, shape or range, or does not go with the network; the message names it.
        DivergenceError
            If parameters become infinite or NaN.

        Examples
        --------
        >>> import cnet, dataclasses
        >>> from cnet import recipes
        >>> x, t = cnet.datasets.make_digits(1000, rng=0)
        >>> dataclasses.replace(recipes.ACCURATE, hidden=[50], epochs=2).train(x, t, rng=0).iterations
        16
        """
        images, classes = real_array(x, "x"), real_array(t, "t")
        if images.ndim != 2:
            raise ValueError(f"x must have shape (N, I), one image in each row, got {images.shape}")
        # What is no class at all is refused by the fit, by name.
        highest = classes.max(initial=0) if np.isfinite(classes).all() else 0
        n_inputs = images.shape[1]
        n_classes = classes.shape[1] if classes.ndim == 2 else max(10, int(highest) + 1)
        whole = {**self.fit_options(), **options}
        if options.get("iterations") is not None and "epochs" not in options:
            whole["epochs"] = None
        if options.get("epochs") is not None and "iterations" not in options:
            whole["iterations"] = None

        def make_network(rng: Any) -> MultiLayerNet:
            return self.network(n_inputs, n_classes, rng=rng)

        if self.networks > 1:
            whole.setdefault("preprocessing", self.preprocessing or None)
            return Committee.train(make_network, x, t, n=self.networks, rng=rng, **whole)
        prepare, = check_preprocessing(whole.pop("preprocessing", self.preprocessing or None), 1, n_inputs)
        net = make_network(rng)
        if prepare is None:
            net.fit(x, t, **whole)
            return net
        # Before the images are preprocessed, which takes a while.
        inspect.signature(net.fit).bind(x, t, **whole)
        check_before_fit(net, whole)
        return Committee([train_one(net, x, t, prepare, whole)], prepare)

    def __str__(self) -> str:
        """A table of the settings, without those that do nothing."""
        rows = []
        for each in fields(self):
            value = getattr(self, each.name)
            unused = value in (None, 0.0) or (each.name, value) in (("networks", 1), ("preprocessing", ()))
            if each.name not in ("name", "about") and not unused:
                text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
                rows.append(f"  {each.name:<15}  {text}")
        return "\n".join([f"{self.name}: {self.about}", *rows])


CHAPTER = Recipe(
    name="chapter",
    about="the book's job in chapter 4",
    hidden=(50,),
    activation="sigmoid",
    weight_init_std=0.01,
    iterations=10_000,
    batch_size=100,
    sampling="replacement",
    optimizer=SGD(),
    learning_rate=0.1,
)

FASTEST = Recipe(
    name="fastest",
    about="98 % in a quarter of a second",
    hidden=(128,),
    epochs=4,
    batch_size=100,
    learning_rate=0.008,
    schedule=Linear(warmup=0.1),
    label_smoothing=0.05,
)

FASTER = Recipe(
    name="faster",
    about="98.4 % in less than a second, with images that are distorted a little",
    hidden=(256,),
    epochs=3,
    batch_size=100,
    learning_rate=0.01,
    schedule=Linear(warmup=0.1),
    label_smoothing=0.05,
    augment=Distort(rotation=3, scale=0.036, shear=0.036, shift=1, elastic=10.2, sigma=5),
)

FAST = Recipe(
    name="fast",
    about="99 % in some seconds, with distorted images",
    hidden=(512,),
    epochs=14,
    batch_size=100,
    learning_rate=0.004,
    schedule=Linear(warmup=0.1),
    label_smoothing=0.05,
    augment=Distort(rotation=6, scale=0.072, shear=0.072, shift=1, elastic=20.4, sigma=5),
)

PLAIN = Recipe(
    name="plain",
    about="as far as one gets without any knowledge of images",
    hidden=(1024, 1024),
    epochs=30,
    schedule=Cosine(warmup=0.02),
    adversarial=0.1,
)

ACCURATE = Recipe(
    name="accurate",
    about="one hidden layer of 800 units, distorted images: the network of Simard et al. (2003)",
    hidden=(800,),
    epochs=120,
    schedule=Cosine(warmup=0.02),
    augment=Distort(rotation=10, scale=0.12, shear=0.12, shift=1, elastic=34, sigma=5),
)

RECORD = Recipe(
    name="record",
    about="one hidden layer, as far as it goes, on images set upright",
    hidden=(2048,),
    weight_init_std="local",
    preprocessing=(Normalize(),),
    epochs=500,
    schedule=Cosine(warmup=0.02),
    augment=Distort(rotation=12, scale=0.15, shear=0.15, shift=1, elastic=36, sigma=5),
)

DEEP = Recipe(
    name="deep",
    about="two hidden layers of 1,024 units with a smooth activation, on images set upright",
    hidden=(1024, 1024),
    activation="gelu",
    weight_init_std="local",
    preprocessing=(Normalize(),),
    epochs=240,
    schedule=Cosine(warmup=0.02),
    augment=Distort(rotation=12, scale=0.15, shear=0.15, shift=1, elastic=36, sigma=5),
)

COMMITTEE = Recipe(
    name="committee",
    about="eight networks of deep's kind; every second one sees digits of one width, after Meier et al. (2011)",
    networks=8,
    hidden=(1024, 1024),
    activation="gelu",
    weight_init_std="local",
    preprocessing=(Normalize(), Normalize(width=20)),
    epochs=240,
    schedule=Cosine(warmup=0.02),
    augment=Distort(rotation=12, scale=0.15, shear=0.15, shift=1, elastic=36, sigma=5),
)

# By name, roughly from the shortest training to the longest.
RECIPES = {
    each.name: each for each in (CHAPTER, FASTEST, FASTER, FAST, PLAIN, ACCURATE, RECORD, DEEP, COMMITTEE)
}
