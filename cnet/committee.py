"""Committee: networks that answer together."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from .committee_checks import check_networks, check_preprocessing
from .core._arrays import real_array
from .errors import raise_in_context
from .losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson
from .networks import NETWORKS, MultiLayerNet
from .storable import read_parts

if TYPE_CHECKING:
    from .committee_file import Member
    from .open_files import Source
    from .preprocess import Normalize

__all__ = ["Committee"]

Array = npt.NDArray[Any]


class Committee:
    """Networks that answer together: their predictions are averaged.

    Networks that were trained with different random numbers make different mistakes, of which the average
    makes fewer than each of them.

    Parameters
    ----------
    networks : iterable of MultiLayerNet or TwoLayerNet
        At least one, and at most 1,000. They must have the same number of inputs, the same number of outputs, and the
        same loss; hidden layers, activations and types may differ. They are kept as they are, not copied.
    preprocessing : cnet.preprocess.Normalize, or iterable of it and None, optional
        What is done to images before a network sees them: one for all networks, or one, or None, for each. The networks
        must have been trained with it, as `train` does.

    Attributes
    ----------
    networks : tuple of MultiLayerNet
    preprocessing : tuple of Normalize or None
        One for each network.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, or networks do not fit together; the message names the network.

    References
    ----------
    .. [1] L. K. Hansen and P. Salamon, "Neural network ensembles", IEEE Transactions on Pattern Analysis and Machine
       Intelligence 12, 1990.
    .. [2] U. Meier, D. C. Cireşan, L. M. Gambardella and J. Schmidhuber, "Better digit recognition with a committee of
       simple neural nets", ICDAR 2011.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(1000, rng=0)
    >>> networks = [cnet.TwoLayerNet(784, 20, 10, rng=seed) for seed in range(3)]
    >>> for net in networks:
    ...     history = net.fit(x, t, epochs=20, learning_rate=0.5)
    >>> committee = cnet.Committee(networks)
    >>> committee.accuracy(x, t) > 0.5
    True
    """

    # What files call it.
    _KIND = "Committee"

    networks: tuple[MultiLayerNet, ...]
    preprocessing: tuple[Normalize | None, ...]

    def __init__(
        self, networks: Iterable[MultiLayerNet], preprocessing: Normalize | Iterable[Normalize | None] | None = None
    ) -> None:
        self.networks = check_networks(networks)
        self.preprocessing = check_preprocessing(preprocessing, len(self.networks), self.networks[0].sizes[0])

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.networks)

    def __repr__(self) -> str:
        kinds = set(map(repr, self.networks))
        inside = kinds.pop() if len(kinds) == 1 else "{} inputs, {} outputs".format(*self.sizes)
        prepared = sum(each is not None for each in self.preprocessing)
        more = f", {prepared} with preprocessing" if prepared else ""
        return f"<{type(self).__name__} of {len(self)} networks: {inside}{more}>"

    @property
    def loss_function(self) -> Loss:
        """The networks' loss: an object of `cnet.losses`.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=0)]).loss_function
        CrossEntropy()
        """
        return self.networks[0].loss_function

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of predictions: float64 if one of the networks has it, else float32."""
        return np.result_type(*(net.dtype for net in self.networks))

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of inputs and of outputs.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=0)]).sizes
        (4, 2)
        """
        sizes = self.networks[0].sizes
        return sizes[0], sizes[-1]

    def predict(self, x: npt.ArrayLike) -> Array:
        """Compute the mean of the networks' predictions: with cross-entropy, the probability of each class.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.

        Returns
        -------
        numpy.ndarray, shape (B, O) or (O,)
            Summed in float64 in the order of the networks, and returned as `dtype`.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold finite real numbers, or is of the wrong shape.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=seed) for seed in range(2)]).predict([0, 1, 0, 1]).shape
        (2,)
        """
        return self._mean(x).astype(self.dtype)

    def _mean(self, x: npt.ArrayLike) -> Array:
        """The mean prediction in float64."""
        prepared: dict[Normalize | None, npt.ArrayLike] = {None: x}
        total: Array | None = None
        for net, prepare in zip(self.networks, self.preprocessing, strict=True):
            if prepare not in prepared:
                prepared[prepare] = _prepared(prepare, x)
            y = net.predict(prepared[prepare])
            total = y.astype(np.float64) if total is None else np.add(total, y, out=total)
        assert total is not None
        total /= len(self.networks)
        return total

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Compute the loss of the mean prediction; with cross-entropy the mean of ``-log(p[label])``.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets: with cross-entropy class indices or one-hot rows; see `cnet.losses` for the others.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        float
            Without the networks' penalties.

        Raises
        ------
        TypeError, ValueError
            If `x`, `t` or `sample_weight` is of the wrong type or shape, or a target is out of range.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> print(round(committee.loss([0, 1, 0, 1], 0), 6))
        0.693147
        """
        judge, scores = self._judged(x)
        return judge.loss(scores, t, sample_weight)

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Compute the share of samples whose most probable class is their label.

        With binary cross-entropy, it is the share of samples of which each output is on its label's side of 0.5.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows; with binary cross-entropy labels (B, O).
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`; ValueError also where it has no meaning, because the loss is not one of
            probabilities.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> committee.accuracy([0, 1, 0, 1], 0)
        1.0
        """
        judge, scores = self._judged(x)
        return judge.accuracy(scores, t, sample_weight)

    def evaluate(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Compute every measure that has a meaning for the networks' loss, of the mean prediction.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets, as `loss` takes them.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        dict of str to float
            As `MultiLayerNet.evaluate` returns it: ``loss``, and ``accuracy``, ``r2`` and ``mean_absolute_error``
            where they have a meaning.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> {name: round(value, 6) for name, value in committee.evaluate([[0, 1, 0, 1]], [0]).items()}
        {'loss': 0.693147, 'accuracy': 1.0}
        """
        judge, scores = self._judged(x)
        return judge.evaluate(scores, t, sample_weight)

    def _judged(self, x: npt.ArrayLike) -> tuple[MultiLayerNet, Array]:
        """A network without hidden layers that hands its inputs on, and inputs for which it predicts the mean.

        So targets, weights and measures of every loss are read and computed by the same code as a network's.
        """
        mean = self._mean(x)
        n_out = mean.shape[-1]
        judge = MultiLayerNet(n_out, [], n_out, weight_init_std=0, loss=self.loss_function, dtype=np.float64, rng=0)
        np.fill_diagonal(judge.params["W1"], 1)
        return judge, _scores_of(mean, self.loss_function)

    def save(self, path: Source) -> None:
        """Write all networks to one file, whole or not at all; the states of their optimizers are left out.

        Parameters
        ----------
        path : str, os.PathLike or binary file open for writing
            Written exactly there, in the safetensors format, with a checksum. A leading ``~`` is the
            user's home folder. Into an open file all is written at its position, and it is left
            open; what it holds after an error is not defined.

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file.
        ValueError
            If there are so many networks that their names and sizes take more than 1 MiB.
        OSError
            If it cannot be written; what was there before is still there.

        Examples
        --------
        >>> import cnet, os, tempfile
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=seed) for seed in range(3)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "committee.safetensors")
        ...     committee.save(path)
        ...     len(cnet.load(path))
        3
        """
        # Imported when needed, as in networks.
        from .committee_file import file_of_committee
        from .model_file import write_model

        write_model(path, *file_of_committee(self.networks, self.preprocessing))

    @classmethod
    def load(cls, path: Source) -> Self:
        """Read a committee that `save` wrote, as an object of the class that this is called on.

        Parameters
        ----------
        path : str, os.PathLike or binary file open for reading
            A leading ``~`` is the user's home folder. An open file is read from its position to its end,
            and is left open.

        Returns
        -------
        Committee

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file, or the file holds a single network.
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, truncated, not a committee of cnet, or of a later version of cnet.

        See Also
        --------
        cnet.load : Reads any network and any committee.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee.load("nowhere.safetensors")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
        """
        kind, members = read_parts(path)
        if not isinstance(members, list):
            raise TypeError(
                f"the file holds a {kind}, which {cls.__name__}.load does not make: use cnet.load, which makes what "
                f"the file holds, or {kind}.load"
            )
        return cls._assembled(members)

    @classmethod
    def _assembled(cls, members: Sequence[Member]) -> Self:
        """The committee of a file's checked networks; a subclass's ``__init__`` is not called."""
        committee = cls.__new__(cls)
        Committee.__init__(
            committee, [NETWORKS[each.kind]._assembled(each.parts) for each in members],
            [each.preprocessing for each in members],
        )
        return committee

    def __copy__(self) -> Self:
        # As of networks: the parameters of a copy are apart.
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.networks = tuple(map(copy.copy, self.networks))
        return made

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict) or not {"networks", "preprocessing"} <= set(state):
            raise ValueError(f"this is not the state of a {type(self).__name__}: networks or preprocessing are missing")
        try:
            Committee.__init__(self, state["networks"], state["preprocessing"])
        except (TypeError, ValueError) as error:
            raise_in_context(error, f"this is not the state of a {type(self).__name__}")
        self.__dict__.update({name: value for name, value in state.items() if name not in self.__dict__})


def _prepared(prepare: Normalize | None, x: npt.ArrayLike) -> npt.ArrayLike:
    """Images, or a single one, as a network was trained on them."""
    if prepare is None:
        return x
    array = real_array(x, "x")
    return prepare(array[None])[0] if array.ndim == 1 else prepare(array)


def _scores_of(mean: Array, loss: Loss) -> Array:
    """The scores of which a loss makes these predictions."""
    if not np.isfinite(mean).all():
        raise ValueError("the mean prediction is not finite: parameters of a network, or what it predicts, are not")
    least, most = np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg
    if isinstance(loss, CrossEntropy | Poisson):
        scores: Array = np.log(np.maximum(mean, least))
        return scores
    if isinstance(loss, BinaryCrossEntropy):
        p = np.clip(mean, least, most)
        logits: Array = np.log(p) - np.log1p(-p)
        return logits
    return mean
