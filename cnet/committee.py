"""Committee: networks that answer together."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from .checks import check_count
from .committee_checks import MOST_NETWORKS, check_networks, check_preprocessing
from .committee_passes import CommitteePasses
from .errors import raise_in_context
from .losses import Loss
from .networks import NETWORKS, MultiLayerNet
from .storable import read_parts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .committee_file import Member
    from .open_files import Source
    from .preprocess import Normalize

__all__ = ["Committee"]


class Committee(CommitteePasses):
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

    @classmethod
    def train(
        cls,
        make_network: Callable[..., MultiLayerNet],
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        n: int = 25,
        executor: Executor | None = None,
        folder: str | os.PathLike[str] | None = None,
        rng: int | np.random.Generator | None = None,
        preprocessing: Normalize | Iterable[Normalize | None] | None = None,
        progress: bool = False,
        **fit_options: Any,
    ) -> Self:
        """Train networks that differ in their random numbers, and make a committee of them.

        Parameters
        ----------
        make_network : callable
            Called as ``make_network(rng=seed)``, with another seed for each network, in this process; it returns a
            network with its initial weights: ``functools.partial(cnet.MultiLayerNet, 784, [800], 10)``, or
            ``lambda rng: cnet.TwoLayerNet(784, 50, 10, rng=rng)``.
        x, t : array_like
            What `fit` takes. Each worker of an executor in another process gets a copy.
        n : int, default 25
            The number of networks.
        executor : concurrent.futures.Executor, optional
            Whose workers train the networks: of threads or processes of this machine, or of many machines as
            ``mpi4py.futures.MPIPoolExecutor()`` and Dask's ``client.get_executor()``. Without it, one network is
            trained after the other, each on all threads. The networks have the same bits whichever it is.
        folder : str or os.PathLike, optional
            Where each network is kept when it is finished, by this process. The same call, made again after a crash,
            goes on with those which are missing, also with a larger `n`. With ``rng=None`` it takes the seed from
            there.
        rng : None, int or numpy.random.Generator
            The seed of all networks' seeds. Network i does not depend on `n`.
        preprocessing : cnet.preprocess.Normalize, or iterable of it and None, optional
            What is done to images, for all networks, or several ways that networks take in turn.
        progress : bool, default False
            Show a bar that counts networks (needs tqdm).
        **fit_options
            The other arguments of `MultiLayerNet.fit`, for all networks. With an executor `n_threads` is 1 by default:
            workers of one machine share its processors. Callbacks are called where a network is trained, and must
            be picklable for workers in other processes. Validation data get the preprocessing too.

        Returns
        -------
        Committee

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type or out of range, if networks do not fit together or all begin with the
            same weights, or if `folder` holds a committee that was trained on other data or with other options.
        Exception
            Whatever ends the training of a network, such as `DivergenceError`, once the networks that workers had
            begun are finished. A note says which network it was, and how many are finished.
        KeyboardInterrupt
            On Ctrl-C, at once. A note says how many networks are finished.
        OSError
            If `folder` cannot be written or read.

        Notes
        -----
        Network i has the seed ``SeedSequence([key, i])`` for a key made of ``rng``. Networks are saved without the
        states of their optimizers.

        Examples
        --------
        >>> import functools, cnet
        >>> x, t = cnet.datasets.make_digits(1000, rng=0)
        >>> make_network = functools.partial(cnet.MultiLayerNet, 784, [50], 10)
        >>> committee = cnet.Committee.train(make_network, x, t, n=3, epochs=5, optimizer="adam", rng=0)
        >>> committee
        <Committee of 3 networks: MultiLayerNet(784, [50], 10, activation='relu', loss='cross_entropy', dtype=float32)>

        By two processes, to the same bits::

            with concurrent.futures.ProcessPoolExecutor(2) as executor:
                committee = cnet.Committee.train(make_network, x, t, n=3, epochs=5, optimizer="adam", rng=0,
                                                 executor=executor, folder="committee")
        """
        # Futures and JSON take longer to import than all the rest.
        from .committee_training import Training

        training = Training(
            make_network, x, t, check_count("n", n, MOST_NETWORKS), executor=executor, folder=folder, rng=rng,
            preprocessing=preprocessing, progress=progress, options=fit_options,
        )
        return cls._of(training.run(), training.preprocessing)

    @classmethod
    def _of(cls, networks: Iterable[MultiLayerNet], preprocessing: Iterable[Normalize | None]) -> Self:
        """A committee of a subclass's class whose ``__init__`` is not called."""
        committee = cls.__new__(cls)
        Committee.__init__(committee, networks, preprocessing)
        return committee

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
        """The type of predictions: float64 if one of the networks has it, else float32.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=0)]).dtype
        dtype('float32')
        """
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
        """The committee of a file's checked networks."""
        return cls._of(
            [NETWORKS[each.kind]._assembled(each.parts) for each in members], [each.preprocessing for each in members]
        )

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
