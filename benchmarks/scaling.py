"""How far a fit scales: an iteration's time on more threads than this machine has, by counting. See README.md.

The work of one thread is measured here, in fits; how it is cut among more threads is counted as the core cuts it: parts
of a sparse first layer, rows of the batch, rows of the weight matrices. What threads must tell each other (sums
of the first layer, deltas, barriers) is counted in cache lines, and priced. Two threads are measured, too: the
machine must have two cores that are free.
"""

import argparse
import math
import time

import numpy as np

THREADS = (1, 2, 4, 8, 16, 64)
# Nanoseconds: a cache line that another core has written, asked for ahead with others; and the same where the thread
# waits for it, as at a barrier. 4 makes two threads as fast as they are measured here; 100 is what near cores take.
LINE = 4.0
HANDOVER = 100.0
LINE_BYTES = 64


def parts_of(n_hidden):
    """Parts of a sparse first layer's columns: `parts_for` in cnet/core/_scan.pyx."""
    if n_hidden <= 64:
        return 2
    return 4 if n_hidden < 256 else 8


def sharers_of(n_hidden, threads):
    """How many threads share the units of each part: `copies_of_inputs` in cnet/core/_scan.pyx."""
    return max(1, min(threads // parts_of(n_hidden), blocks_of(n_hidden)))


def blocks_of(n_hidden):
    """Blocks of 64 float32 units."""
    return math.ceil(n_hidden / 64)


def seconds_of_fit(sizes, x, t, batch, threads=1, iterations=300):
    """Seconds of an iteration, the fastest of some fits."""
    import cnet

    best = math.inf
    for _ in range(5):
        net = cnet.MultiLayerNet(sizes[0], list(sizes[1:-1]), sizes[-1], activation="relu", rng=0)
        net.fit(x, t, iterations=10, batch_size=batch, n_threads=threads)
        began = time.perf_counter()
        net.fit(x, t, iterations=iterations, batch_size=batch, n_threads=threads)
        best = min(best, (time.perf_counter() - began) / iterations)
    return best


def measured_work(sizes, x, t, batch):
    """Seconds of one thread in a sparse first layer, in rows of the batch, and in rows of the other weights.

    The layers behind the first are a network of their own, on dense inputs. Of its products forward, deltas and
    gradient take a third each.
    """
    whole = seconds_of_fit(sizes, x, t, batch)
    inputs = np.abs(np.random.default_rng(0).normal(1, 0.1, (len(t), sizes[1]))).astype(np.float32)
    behind = seconds_of_fit(sizes[1:], inputs, t, batch)
    return max(0.0, whole - behind), behind * 2 / 3, behind / 3


def share(pieces, threads):
    """The largest share of equal pieces that one of the threads has."""
    return math.ceil(pieces / threads) / pieces


def lines_from_others(sizes, batch, parts, threads):
    """Cache lines that the busiest thread reads and others wrote, in one iteration."""
    others = (threads - 1) / threads
    line = LINE_BYTES // 4
    rows = math.ceil(batch / threads)
    first = rows * parts * math.ceil(sizes[1] / line)
    units = math.ceil(sizes[1] / sharers_of(sizes[1], threads))
    first_deltas = batch * math.ceil(units / line)
    behind = 0
    for n_in, n_out in zip(sizes[1:-1], sizes[2:], strict=True):
        behind += math.ceil(n_in / threads) * math.ceil(n_out / line)  # weight rows that it did not write
        behind += batch * (math.ceil(n_in / threads / line) + math.ceil(n_out / line))
    return others * (first + first_deltas + behind)


def seconds_on(threads, sizes, batch, work):
    """An iteration's time: its busiest thread's work, what it reads from others, and two barriers."""
    parts = parts_of(sizes[1])
    sparse, rows, weights = work
    sharers = sharers_of(sizes[1], threads)
    time_of_work = sparse * share(parts, threads) * share(blocks_of(sizes[1]), sharers)
    time_of_work += rows * share(batch, threads)
    time_of_work += weights * share(min(sizes[1:-1]), threads)
    if threads == 1:
        return time_of_work
    exchange = LINE * lines_from_others(sizes, batch, parts, threads)
    barriers = 2 * HANDOVER * (1 + math.log2(threads))
    return time_of_work + 1e-9 * (exchange + barriers)


def mnist_like(data):
    """Images and labels: MNIST from a folder, or drawn digits."""
    import cnet

    if data:
        return cnet.datasets.load_mnist(data_home=data, normalize=False, download=False)[0]
    return cnet.datasets.make_digits(20_000, normalize=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="a folder with MNIST's four files (default: drawn digits)")
    parser.add_argument("--hidden", default="50;512;2048;512,512", help="hidden layers, networks apart by ';'")
    parser.add_argument("--batch", type=int, default=100)
    arguments = parser.parse_args()
    x, t = mnist_like(arguments.data)
    print("| network | parts | 2, measured | " + " | ".join(str(threads) for threads in THREADS) + " |")
    print("|---" * (3 + len(THREADS)) + "|")
    for hidden in arguments.hidden.split(";"):
        sizes = (x[0].size, *(int(n) for n in hidden.split(",")), 10)
        work = measured_work(sizes, x, t, arguments.batch)
        times = [seconds_on(threads, sizes, arguments.batch, work) for threads in THREADS]
        two = seconds_of_fit(sizes, x, t, arguments.batch, 2)
        cells = [f"{1e6 * two:,.1f} us ({times[0] / two:.1f} x)"]
        cells += [f"{1e6 * seconds:,.1f} us ({times[0] / seconds:.1f} x)" for seconds in times]
        print(f"| {'-'.join(map(str, sizes))} | {parts_of(sizes[1])} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
