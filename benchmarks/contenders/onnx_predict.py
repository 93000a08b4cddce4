"""ONNX Runtime: prediction only."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from workload import INPUTS, OUTPUTS

from .base import Contender


def model(parameters):
    """The network as an ONNX model: Gemm, Sigmoid, Gemm, Softmax."""
    names = ("W1", "b1", "W2", "b2")
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "W1", "b1"], ["a"]),
            helper.make_node("Sigmoid", ["a"], ["z"]),
            helper.make_node("Gemm", ["z", "W2", "b2"], ["s"]),
            helper.make_node("Softmax", ["s"], ["y"], axis=1),
        ],
        "two_layer_net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, OUTPUTS])],
        [numpy_helper.from_array(values, name) for name, values in zip(names, parameters, strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class OnnxPredict(Contender):
    packages = ("onnxruntime", "onnx")

    def predict(self, parameters, x):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model(parameters).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feed = {"x": np.ascontiguousarray(x[None, :] if x.ndim == 1 else x)}
        return lambda: session.run(None, feed)[0]
