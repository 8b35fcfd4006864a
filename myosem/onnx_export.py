"""From torch modules to small, clean ONNX graphs."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from myosem.errors import ModelError

_WEIGHT_BLOCK = 8
_TABLE_BLOCK = 64
_MIN_SIZE = 10_000

Array = NDArray[Any]


def to_onnx(module: nn.Module, inputs: Mapping[str, Tensor], axes: tuple[str | None, ...]) -> onnx.ModelProto:
    """Trace a module in evaluation mode into a graph with one output, ``vectors``.

    Args:
        module: takes ``inputs`` in their order.
        inputs: examples by name; sizes of 2 and more stand for any size where ``axes`` names the axis.
        axes: names of the leading axes, shared by all inputs; None for a fixed one.
    """
    dynamic = {axis: torch.export.Dim.DYNAMIC for axis, label in enumerate(axes) if label}
    frozen = copy.deepcopy(module).cpu().eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's exporter about its own insides
        program = torch.onnx.export(
            frozen,
            tuple(value.clone() for value in inputs.values()),  # a tensor given twice would become one input
            input_names=list(inputs),
            output_names=["vectors"],
            dynamic_shapes=tuple(dynamic for _ in inputs),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError(f"{type(module).__name__} cannot be exported")
    return _tidy(program.model_proto, axes)


def _tidy(model: onnx.ModelProto, axes: tuple[str | None, ...]) -> onnx.ModelProto:
    """Name the dynamic axes, and drop the notes of the exporter: they hold paths of the machine it ran on."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    for value in (*graph.input, *graph.output):
        for dim, label in zip(value.type.tensor_type.shape.dim, axes, strict=False):
            if label and dim.dim_param:
                dim.dim_param = label
    return model


def pack_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large weights of a float32 graph as int8, each block of them with a float16 scale.

    Weights of ``MatMul`` have blocks along their input axis, over rows brought to one level; standard
    operators unpack them when the graph runs. Tables of ``Gather`` by ``(n, tokens)`` ids have blocks along
    their rows, and only the rows looked up are unpacked. Arrays that are small or no multiple of the block
    stay as they are.
    """
    packed = onnx.ModelProto.FromString(model.SerializeToString())
    graph = packed.graph
    arrays = {item.name: item for item in graph.initializer if item.data_type == onnx.TensorProto.FLOAT}
    large = {name for name, item in arrays.items() if len(item.dims) == 2 and np.prod(item.dims) >= _MIN_SIZE}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        parts: _Parts | None = None
        if node.op_type == "MatMul" and node.input[1] in large:
            parts = _packed_weights(node, numpy_helper.to_array(arrays[node.input[1]]))
        elif node.op_type == "Gather" and node.input[0] in large:
            parts = _packed_table(node, numpy_helper.to_array(arrays[node.input[0]]))
        nodes += parts.nodes if parts else [node]
        if parts:
            graph.initializer.remove(arrays[parts.replaces])
            graph.initializer.extend(parts.arrays)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(packed)
    return packed


@dataclass(frozen=True)
class _Parts:
    """Nodes and arrays that stand in for one node and its array."""

    replaces: str
    nodes: list[onnx.NodeProto]
    arrays: list[onnx.TensorProto]


def _packed_weights(node: onnx.NodeProto, weights: Array) -> _Parts | None:
    name, (rows, columns) = node.input[1], weights.shape
    if rows % _WEIGHT_BLOCK:
        return None
    # without levels a loud row would coarsen all that shares its blocks
    levels = np.asarray(np.sqrt((weights**2).mean(axis=1)) + 1e-12, dtype=np.float32)
    blocks = (weights / levels[:, None]).reshape(rows // _WEIGHT_BLOCK, _WEIGHT_BLOCK, columns)
    numbers, scales = _quantised(blocks, axis=1)
    output = node.output[0]
    nodes = [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.numbers"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Cast", [f"{name}.float16"], [f"{name}.scales"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.numbers", f"{name}.scales"], [f"{name}.blocks"]),
        helper.make_node("Reshape", [f"{name}.blocks", f"{name}.shape"], [name]),
        helper.make_node("Mul", [node.input[0], f"{name}.levels"], [f"{output}.levelled"]),
        helper.make_node("MatMul", [f"{output}.levelled", name], [output]),
    ]
    stored = _stored(name, numbers, scales, np.array([rows, columns], dtype=np.int64))
    return _Parts(name, nodes, [*stored, numpy_helper.from_array(levels, f"{name}.levels")])


def _packed_table(node: onnx.NodeProto, table: Array) -> _Parts | None:
    (name, ids), output, (rows, width) = node.input, node.output[0], table.shape
    if width % _TABLE_BLOCK:
        return None
    numbers, scales = _quantised(table.reshape(rows, width // _TABLE_BLOCK, _TABLE_BLOCK), axis=2)
    lookup = [
        helper.make_node("Gather", [f"{name}.int8", ids], [f"{output}.int8"]),
        helper.make_node("Gather", [f"{name}.float16", ids], [f"{output}.float16"]),
        helper.make_node("Cast", [f"{output}.int8"], [f"{output}.numbers"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Cast", [f"{output}.float16"], [f"{output}.scales"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{output}.numbers", f"{output}.scales"], [f"{output}.blocks"]),
        helper.make_node("Reshape", [f"{output}.blocks", f"{name}.shape"], [output]),
    ]
    shape = np.array([0, 0, width], dtype=np.int64)  # 0 keeps the axis: n, tokens
    return _Parts(name, lookup, _stored(name, numbers, scales, shape))


def _stored(name: str, numbers: Array, scales: Array, shape: Array) -> list[onnx.TensorProto]:
    return [
        numpy_helper.from_array(array, f"{name}.{kind}")
        for kind, array in (("int8", numbers), ("float16", scales), ("shape", shape))
    ]


def _quantised(blocks: Array, axis: int) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """int8 numbers and float16 scales; the scale of all that lies along ``axis`` is one."""
    scales = (np.abs(blocks).max(axis=axis, keepdims=True) / 127).astype(np.float16)
    scales[scales == 0] = 1
    numbers = np.clip(np.rint(blocks / scales.astype(np.float32)), -127, 127)
    return numbers.astype(np.int8), scales
