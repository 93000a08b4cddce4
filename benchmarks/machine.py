"""What this machine can do at most, and how near each of cnet's kernels comes. See README.md."""

import argparse
import datetime
import json
import subprocess
import sys
from pathlib import Path

import environment
import numpy as np
import peak


def limits(counts):
    """Peaks by (dtype, threads), and bandwidths by threads."""
    loaded = peak.library()
    peaks = {
        (np.dtype(dtype).name, threads): peak.fma_peak(loaded, dtype, threads)
        for dtype in (np.float32, np.float64)
        for threads in counts
    }
    return peaks, {threads: peak.bandwidth(loaded, threads) for threads in counts}


def kernels(threads):
    """cnet's kernels' timings, from a process of their own."""
    command = [sys.executable, str(Path(__file__).with_name("kernel_timings.py")), str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"kernel_timings.py ended with code {process.returncode}")


def print_limits(peaks, bandwidths):
    print("| threads | FMA float32, GFLOP/s | FMA float64, GFLOP/s | read, GB/s | update, GB/s |")
    print("|---|---|---|---|---|")
    for threads, (reading, updating) in bandwidths.items():
        print(
            f"| {threads} | {peaks['float32', threads]:.1f} | {peaks['float64', threads]:.1f} "
            f"| {reading:.1f} | {updating:.1f} |"
        )
    print(flush=True)


def print_kernel(row):
    extra = ""
    if "nonzeros" in row:
        extra = (
            f"{1e9 * row['seconds'] * row['threads'] / row['nonzeros']:.2f} ns of a core a non-zero; "
            f"dense work would be {100 * row['dense_share']:.0f} %"
        )
    print(
        f"| {row['kernel']} | {row['shape']} | {row['dtype']} | {row['threads']} "
        f"| {1e6 * row['seconds']:,.1f} | {row['gflops']:.1f} | {100 * row['share']:.0f} % | {extra} |",
        flush=True,
    )


def timed_kernels(counts, peaks):
    """Every kernel's row, printed as it comes."""
    print("| kernel | shape | type | threads | us | GFLOP/s | of the FMA peak | |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for threads in counts:
        for row in kernels(threads):
            peak_here = peaks[row["dtype"], threads]
            row["gflops"] = row["flop"] / row["seconds"] / 1e9
            row["share"] = row["gflops"] / peak_here
            if "dense_flop" in row:
                row["dense_share"] = row["dense_flop"] / row["seconds"] / 1e9 / peak_here
            print_kernel(row)
            rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", default="1,2", help="comma-separated numbers of threads (default: 1,2)")
    parser.add_argument("--limits", action="store_true", help="measure the machine only")
    parser.add_argument("--json", metavar="FILE", help="write everything to this file")
    options = parser.parse_args()
    counts = [int(count) for count in options.threads.split(",")]
    machine = environment.machine()
    print(", ".join(f"{key}: {value}" for key, value in machine.items()), "\n", flush=True)
    peaks, bandwidths = limits(counts)
    print_limits(peaks, bandwidths)
    rows = [] if options.limits else timed_kernels(counts, peaks)
    if options.json:
        content = {
            "machine": machine, "versions": environment.versions(),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "fma_gflops": [
                {"dtype": dtype, "threads": threads, "gflops": value}
                for (dtype, threads), value in peaks.items()
            ],
            "bandwidth_gb": [
                {"threads": threads, "read": reading, "update": updating}
                for threads, (reading, updating) in bandwidths.items()
            ],
            "kernels": rows,
        }
        Path(options.json).write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
