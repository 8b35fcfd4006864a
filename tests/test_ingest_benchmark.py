"""What the benchmark of ingest measures: shares of time, operations of a graph, files that can be read."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from fakes import FakeModel
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import ingest as benchmark
import rates
import shares

from myosem.ingest import ingest


class Clock:
    """Shows the seconds that were said to pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def test_a_function_is_charged_with_what_it_takes_itself() -> None:
    clock, program = Clock(), SimpleNamespace()

    def inner() -> str:
        clock.passes(2)
        return "done"

    def outer() -> str:
        clock.passes(3)
        said = str(program.inner())
        clock.passes(4)
        return said

    program.inner, program.outer = inner, outer
    stages = shares.Stages(clock)
    stages.watch({"in": [(program, "inner")], "out": [(program, "outer")]})
    clock.passes(100)
    stages.start()
    clock.passes(1)
    assert program.outer() == "done"
    assert program.inner() == "done"
    assert stages.stop() == {shares.REST: 1, "out": 7, "in": 4}


def test_a_function_that_fails_is_charged_too() -> None:
    clock = Clock()

    def fail() -> None:
        clock.passes(5)
        raise ValueError

    program = SimpleNamespace(part=SimpleNamespace(fail=fail))
    stages = shares.Stages(clock)
    stages.watch({"in": [(program, "part.fail")]})
    stages.start()
    with pytest.raises(ValueError):
        program.part.fail()
    clock.passes(1)
    assert stages.stop() == {shares.REST: 1, "in": 5}


def test_operations_are_two_for_each_number_multiplied(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3, 4], np.ones(12))
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("Transpose", ["y"], ["t"]),
            helper.make_node("MatMul", ["y", "t"], ["z"]),
            helper.make_node("Exp", ["z"], ["out"]),
        ],
        "two products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "graph.onnx")
    flops = rates.graph_flops(tmp_path / "graph.onnx", {"x": np.ones((5, 3), np.float32)})
    assert flops == 2 * (5 * 3 * 4) + 2 * (5 * 4 * 5)


def test_the_fastest_round_counts() -> None:
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0])
    assert rates.best_seconds(lambda: None, rounds=3, clock=lambda: next(clock)) == 1


@pytest.mark.parametrize(("case", "rate_hz", "channels"), [(0, 200, 8), (2, 2000, 12)])
def test_trials_can_be_read_and_none_is_a_copy(
    tmp_path: Path, case: int, rate_hz: float, channels: int
) -> None:
    benchmark.CASES[case].write(tmp_path / "data", 0.5)
    (found,) = ingest(tmp_path / "lib", [tmp_path / "data"], model=FakeModel()).summary.datasets
    assert (found.recordings, found.rates_hz, found.channels) == (6, (rate_hz,), (channels,))


def test_a_long_recording_holds_its_movements() -> None:
    samples, movement = benchmark.long_recording(100, 4, seconds=12, seed=0)
    assert samples.shape == (1200, 4)
    assert movement[::300].tolist() == [0, 1, 0, 2]
    assert np.abs(samples[movement > 0]).mean() > 3 * np.abs(samples[movement == 0]).mean()
