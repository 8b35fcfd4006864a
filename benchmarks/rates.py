"""How hard a machine works: floating-point operations of a graph, beside those of a plain matrix product."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

SIDE = 1024


def best_seconds(
    work: Callable[[], object], rounds: int = 15, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The fastest of some rounds of a callable."""
    times = []
    for _ in range(rounds):
        begun = clock()
        work()
        times.append(clock() - begun)
    return min(times)


def product_rate(threads: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Floating-point operations a second of a product of two matrices of 1024 x 1024 float32."""
    torch.set_num_threads(threads)
    square = torch.randn(SIDE, SIDE)
    return 2 * SIDE**3 / best_seconds(lambda: square @ square, clock=clock)


def graph_flops(file: Path, inputs: dict[str, Any]) -> int:
    """Operations of all matrix products of an ONNX graph, by the shapes they have as it runs."""
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/run"
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        session.run(None, inputs)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    nodes = [event["args"] for event in events if event["name"].endswith("_kernel_time")]
    return sum(_flops(node) for node in nodes if node["op_name"] in ("MatMul", "Gemm"))


def _flops(node: dict[str, Any]) -> int:
    (left, *_), (product,) = (
        [next(iter(one.values())) for one in node[key]] for key in ("input_type_shape", "output_type_shape")
    )
    return 2 * int(np.prod(product)) * int(left[-1])
