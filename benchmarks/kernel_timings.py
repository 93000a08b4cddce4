"""How fast cnet's kernels run, in a process with its own threads.

`python kernel_timings.py THREADS` prints JSON lines; machine.py starts it. The dense products are
timed alone (`cnet.core._products`); gradients and fits through their public entry points, where the checks of
the input and all that is no product count against the kernel: those figures are lower bounds.
"""

import json
import os
import sys
import time

import numpy as np

SECONDS = 0.25


def restrict(threads):
    """Limit the processors of this process, before cnet is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[-threads:]))


def best_time(call, repeats=5):
    """Seconds of a call: the fastest of some blocks' means."""
    call()
    began = time.perf_counter()
    call()
    count = max(1, int(SECONDS / repeats / max(1e-7, time.perf_counter() - began)))
    means = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(count):
            call()
        means.append((time.perf_counter() - began) / count)
    return min(means)


def network(sizes, dtype):
    """A network, a maker of dense rows, and labels."""
    import cnet

    rng = np.random.default_rng(0)

    def rows(batch):
        return rng.uniform(0.1, 1, (batch, sizes[0])).astype(dtype), rng.integers(0, sizes[2], batch)

    return cnet.TwoLayerNet(*sizes, activation="relu", dtype=dtype, rng=0), rows


def dense_products(n, batch, dtype, threads):
    """The three dense products at n inputs and n outputs, alone: (name, seconds, flop)."""
    from cnet.core._products import multiply

    rng = np.random.default_rng(0)
    x, d, w, w_transposed = (rng.uniform(0.1, 1, (rows, n)).astype(dtype) for rows in (batch, batch, n, n))
    flop = 2 * batch * n * n
    repeats = max(2, int(4e9 / flop))
    for name, a, b, transposed in (("x W", x, w, False), ("x^T d", x, d, True), ("d W^T", d, w_transposed, False)):
        seconds = min(
            multiply(a, b, transposed=transposed, repeats=repeats, n_threads=threads)[1] for _ in range(5)
        )
        yield name, seconds / repeats, flop


def narrow_products(n, dtype, threads):
    """x W and x^T d of 100 rows, 784 inputs and few outputs: (name, seconds, flop of whole vectors of columns)."""
    from cnet.core._dispatch import vector_bytes
    from cnet.core._products import multiply

    rng = np.random.default_rng(0)
    x, d, w = (rng.uniform(0.1, 1, shape).astype(dtype) for shape in ((100, 784), (100, n), (784, n)))
    lanes = vector_bytes() // x.itemsize
    flop = 2 * 100 * 784 * (-(-n // lanes) * lanes)
    repeats = max(2, int(1e9 / flop))
    for name, a, b, transposed in (("x W", x, w, False), ("x^T d", x, d, True)):
        seconds = min(
            multiply(a, b, transposed=transposed, repeats=repeats, n_threads=threads)[1] for _ in range(10)
        )
        yield name, seconds / repeats, flop


def dense_gradient(n, batch, dtype):
    """The gradient of a network of n-n-n, through its public entry point: seconds and flop."""
    net, rows = network((n, n, n), dtype)
    x, t = rows(batch)
    return best_time(lambda: net.gradient(x, t)), 10 * batch * n * n


def fit_seconds(sizes, batch, iterations, x, t, threads, dtype):
    """Seconds of an iteration, without the set-up."""
    from contenders.cnet_net import setup_clock

    import cnet

    samples = []
    for _ in range(3):
        net = cnet.TwoLayerNet(*sizes, weight_init_std="xavier", dtype=dtype, rng=0)
        began = time.perf_counter()
        with setup_clock() as clock:
            net.fit(x, t, iterations=iterations, batch_size=batch, n_threads=threads, rng=0)
        samples.append((time.perf_counter() - began - (clock.seconds or 0)) / iterations)
    return min(samples)


def report(threads, **row):
    print(json.dumps({"threads": threads, **row}), flush=True)


def main():
    threads = int(sys.argv[1])
    restrict(threads)
    for dtype in (np.float32, np.float64):
        for n, batch in ((512, 100), (1024, 100), (1024, 1000), (2048, 100), (2048, 512)):
            for name, seconds, flop in (
                *dense_products(n, batch, dtype, threads),
                ("gradient of n-n-n", *dense_gradient(n, batch, dtype)),
            ):
                report(
                    threads, kernel=name, shape=f"{batch} x {n} x {n}", dtype=np.dtype(dtype).name,
                    seconds=seconds, flop=flop,
                )
        for n in (10, 16, 32, 50, 64, 100):
            for name, seconds, flop in narrow_products(n, dtype, threads):
                report(
                    threads, kernel=f"{name}, whole vectors", shape=f"100 x 784 x {n}", dtype=np.dtype(dtype).name,
                    seconds=seconds, flop=flop,
                )
        for n, batch, iterations in ((512, 100, 200), (1024, 100, 50), (1024, 1000, 8)):
            x, t = network((n, n, n), dtype)[1](2 * batch)
            report(
                threads, kernel="fit n-n-n, dense", shape=f"{batch} x {n} x {n}", dtype=np.dtype(dtype).name,
                seconds=fit_seconds((n, n, n), batch, iterations, x, t, threads, dtype),
                flop=10 * batch * n * n,
            )
    from cnet.datasets import make_digits

    x, t = make_digits(20_000, rng=0)
    per_row = np.count_nonzero(x) / len(x)
    for hidden, batch, iterations in ((50, 100, 4000), (512, 100, 600), (2048, 100, 150)):
        seconds = fit_seconds((784, hidden, 10), batch, iterations, x, t, threads, np.float32)
        lit = 4 * batch * per_row * hidden + 6 * batch * hidden * 10
        report(
            threads, kernel="fit, sparse first layer", shape=f"784-{hidden}-10, batch {batch}",
            dtype="float32", seconds=seconds, flop=lit,
            dense_flop=4 * batch * 784 * hidden + 6 * batch * hidden * 10,
            nonzeros=batch * per_row,
        )


if __name__ == "__main__":
    main()
