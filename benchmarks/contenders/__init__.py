"""The contenders, one module each, by the name they have on the command line."""

import importlib

MODULES = {
    "cnet": ("cnet_net", "Cnet"),
    "before": ("cnet_net", "Cnet"),  # of another commit: its process finds another cnet
    "numpy": ("numpy_loop", "NumpyLoop"),
    "torch": ("torch_modules", "TorchModules"),
    "torch-loop": ("torch_loop", "TorchLoop"),
    "torch-compile": ("torch_compiled", "TorchCompiled"),
    "jax": ("jax_scan", "JaxScan"),
    "sklearn": ("sklearn_mlp", "SklearnMLP"),
    "thinc": ("thinc_model", "ThincModel"),
    "tinygrad": ("tinygrad_jit", "TinygradJit"),
    "onnxruntime": ("onnx_predict", "OnnxPredict"),
}


def load(name):
    """The contender class of that name; only this imports the framework behind it."""
    module, attribute = MODULES[name]
    return getattr(importlib.import_module(f"contenders.{module}"), attribute)
