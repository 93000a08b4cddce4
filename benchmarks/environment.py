"""The machine and the versions, for the report."""

import os
import platform
from importlib import metadata
from pathlib import Path


def processor():
    """The processor's name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version(package):
    """Its version, or None when it isn't installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine():
    """Processor, cores, system, and the instruction set that cnet uses."""
    import cnet

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "cnet instruction set": cnet.show_config(mode="dicts")["instruction set"],
    }


def versions():
    """Versions of everything that takes part."""
    packages = ("cnet-nn", "numpy", "scipy", "torch", "jax", "jaxlib", "scikit-learn", "onnxruntime", "thinc", "blis",
                "tinygrad")
    return {package: version(package) for package in packages}
