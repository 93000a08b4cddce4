"""Networks that can be trained: what ``fit`` takes, and what is kept of a training between fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import numpy.typing as npt

from . import training
from .augment import Distort
from .callbacks import Callback, EarlyStopping
from .core._one_fit import request_stop
from .history import History, Progress
from .optimizer_base import Optimizer
from .optimizers import LinearRamp
from .options import check_options
from .schedule_base import Schedule

if TYPE_CHECKING:
    from .core._network import Network
    from .losses import Loss
    from .networks import MultiLayerNet

__all__ = ["Trainable"]


class Trainable:
    """A network that is trained by mini-batches, and remembers how far."""

    if TYPE_CHECKING:
        _core: Network
        _progress: Progress

        @property
        def loss_function(self) -> Loss: ...

    @property
    def iterations(self) -> int:
        """The number of iterations of training in all, over every `fit`."""
        return self._progress.iterations

    @property
    def history(self) -> History | None:
        """What the last `fit` has recorded, even if it was interrupted or is still running; None before the first."""
        return self._progress.history

    def fit(
        self,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        iterations: int | None = None,
        epochs: int | None = None,
        batch_size: int = 100,
        learning_rate: float | LinearRamp | None = None,
        optimizer: str | Optimizer = "sgd",
        schedule: str | Schedule | Callable[[int, int], float] | None = None,
        sampling: Literal["replacement", "shuffle"] = "replacement",
        sample_weight: npt.ArrayLike | None = None,
        class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        adversarial: float = 0.0,
        label_smoothing: float = 0.0,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        averaging: float | None = None,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        validation_split: float | None = None,
        early_stopping: int | EarlyStopping | None = None,
        augment: Distort | None = None,
        gradient: Literal["backprop", "numerical"] = "backprop",
        n_threads: int | None = None,
        rng: int | np.random.Generator | None = None,
        callback: Callback | Sequence[Callback] | None = None,
        progress: bool = False,
    ) -> History:
        """Train the network by mini-batch gradient descent, starting from its current parameters.

        An epoch is ``ceil(N / batch_size)`` iterations. The parameters have the same
        bits for any number of threads.

        Parameters
        ----------
        x : array_like, shape (N, I)
            The inputs to train with: one sample in each row.
        t : array_like
            The targets that the network's loss takes: class indices (N,), one-hot rows or values (N, O).
        iterations, epochs : int, optional
            How long to train: pass one of them, or neither for 10 epochs.
        batch_size : int, default 100
            The number of samples in each mini-batch.
        learning_rate : float or cnet.optimizers.LinearRamp, optional
            The rate, which `schedule` may vary, or a ramp of rates. By default the optimizer's `lr`; if that is None
            too, 0.1 for SGD, Momentum and Nesterov, 0.01 for AdaGrad and RMSprop, 0.001 for Adam and AdamW.
        optimizer : str or an object of cnet.optimizers, default "sgd"
            "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam" or "adamw". The optimizer's
            state stays with the network: a fit with the same kind of optimizer goes on from there, until
            ``reset_optimizer()``.
        schedule : str, an object of cnet.schedules, or callable, optional
            A factor on the learning rate for each iteration: "constant", "step", "exponential", "cosine", "linear",
            "one-cycle", or ``f(iteration, total)``, with the iterations of this fit from 0. Factors are computed for
            up to 65,536 iterations in advance.
        sampling : {"replacement", "shuffle"}
            "replacement" draws each mini-batch at random from all samples, as the chapter does.
            "shuffle" shuffles all samples for each epoch; its last mini-batch may be short.
        sample_weight : array_like, shape (N,), optional
            How much each sample counts: finite, not negative, not all 0. The loss of a mini-batch is
            ``sum(w * loss) / sum(w)``; one whose weights are all 0 makes no step and has loss 0.
        class_weight : dict or "balanced", optional
            The weight of each class, 1 for those that are not named; "balanced" gives all classes the same weight in
            sum: the whole weight over (the number of classes times the class's weight). Samples have the product of
            both weights. Targets must be class indices or one-hot rows. Validation data are not weighted by class.
        dropout : float or sequence of float, default 0
            The probability with which a hidden unit is left out in training, for all hidden layers or for each. The
            others are scaled by ``1 / (1 - dropout)``.
        input_dropout : float, default 0
            The same for inputs.
        input_noise : float, default 0
            The standard deviation of normally distributed noise that is added to every input in training, anew each
            time: in the units of the inputs, where pixels (uint8) go from 0 to 1.
        adversarial : float, default 0
            In every second mini-batch, how far each input is moved before the network learns from it, in the same
            units, in the direction in which the loss grows: by the sign of its derivative (adversarial training by the
            fast gradient sign method [1]_). Such a mini-batch goes through the network twice, and its loss in `History`
            is that of the moved inputs; the first layer takes no advantage of zeros.
        label_smoothing : float, default 0
            This share of each target is spread evenly over the classes.
        clip_norm : float, optional
            The gradient, of all parameters together, is scaled down to at most this norm.
        max_norm : float, optional
            After each step, the weights that lead to one unit are scaled down to at most this norm.
        averaging : float, optional
            The decay d, above 0 and below 1, of an average of the parameters: ``average = d * average + (1 - d) * W``
            after each step, from the parameters before the fit on. During the fit, for validation and callbacks, and
            after it, ``params`` hold the average. The next fit goes on from the weights that are not averaged, unless
            ``params`` were changed meanwhile.
        validation_data : (x, t), optional
            Data on which loss and accuracy are measured at the end of each epoch.
        validation_split : float, optional
            Instead of `validation_data`: the share of the samples, rounded, but at least one, that is held out and
            not trained with. They are drawn once, before the fit, from the stream of random numbers alone: fits
            that continue with ``rng=None`` hold out the same rows. Both parts are copies. They are measured with their
            `sample_weight`.
        early_stopping : int or cnet.EarlyStopping, optional
            End the fit when the loss on the validation data has not improved for so many epochs, and go back to the
            best parameters.
        augment : cnet.augment.Distort, optional
            Train with images, each distorted anew whenever a mini-batch takes it: turned, scaled, sheared, shifted and
            bent at random. What is validated with stays as it is.
        gradient : {"backprop", "numerical"}
            "backprop" is backpropagation. "numerical" is central differences, as in `numerical_gradient`
            with h = 1e-4: in float64, hundreds of times slower, and for plain SGD only, without dropout,
            smoothing, norms and averaging.
        n_threads : int, optional
            The most threads to use; by default as many as the work is worth. Never more than
            ``get_num_threads()``, and fewer while other programs take processors from the fit. The
            result does not depend on it.
        rng : None, int or numpy.random.Generator
            None continues the network's own stream of random numbers.
        callback : callable or list of callables, optional
            Called with an `EpochInfo` at each epoch's end; returning True stops the fit. ``begin(network, total)`` and
            ``end(network)`` of those that have them are called before the first iteration and after the last one.
        progress : bool, default False
            Show a progress bar (needs tqdm).

        Returns
        -------
        History
            What the fit recorded. The network keeps it as ``history``.

        Raises
        ------
        DivergenceError
            If the loss or a parameter is no longer finite. The network keeps the last parameters that
            were all finite; a fit checks this every 40 ms.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second or after the current mini-batch. The parameters
            are whole, and ``history`` shows how far the fit went.
        RuntimeError
            If this network is being trained already, by another thread or by this call's callback.
        TypeError, ValueError
            If an argument is of the wrong type or shape, or out of range. Nothing has changed then, unless a schedule
            of your own returned what is no factor in the midst of a long fit.

        Warns
        -----
        CnetWarning
            If `x` looks as if it was scaled by mistake, or needs to be standardised; the warning says
            what to do.

        References
        ----------
        .. [1] I. J. Goodfellow, J. Shlens and C. Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(1000, rng=0)
        >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
        >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
        >>> bool(history.loss[0] > history.loss[-1])
        True
        """
        options = check_options(
            n_hidden=len(self._core.activations), loss=self.loss_function,
            iterations=iterations, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            optimizer=optimizer, schedule=schedule, sampling=sampling, gradient=gradient, n_threads=n_threads,
            dropout=dropout, input_dropout=input_dropout, input_noise=input_noise, adversarial=adversarial,
            label_smoothing=label_smoothing, clip_norm=clip_norm, max_norm=max_norm, averaging=averaging,
            validation_split=validation_split,
            early_stopping=early_stopping, augment=augment, callback=callback, validation_data=validation_data,
        )
        return training.fit(
            cast("MultiLayerNet", self), x, t, options, validation_data=validation_data, sample_weight=sample_weight,
            class_weight=class_weight, rng=rng, callback=callback, progress=progress,
        )

    def request_stop(self) -> None:
        """Ask the `fit` that is training this network to end, from another thread or a signal handler.

        It ends at its next tick, within a tenth of a second or after the current mini-batch, as if all iterations
        were done; its history says ``stopped="request"``. Where no fit is running, nothing happens, also to fits that
        begin later.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> history = net.fit(x, t, epochs=5, callback=lambda info: net.request_stop())
        >>> history.epochs, history.stopped
        (1, 'request')
        """
        request_stop(self._core)

    def reset_optimizer(self) -> None:
        """Forget the optimizer's state, so that the next `fit` begins with a new one, from ``params`` as they are.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> history = net.fit(x, t, epochs=2, optimizer="adam")
        >>> net.reset_optimizer()
        """
        self._core.optimizer_state = None
