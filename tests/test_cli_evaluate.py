"""``myosem evaluate`` refuses what it cannot do before anything is read or trained."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from myosem.cli.app import app
from myosem.cli.evaluate import PROTOCOLS, RETRIEVAL, TRIALS, WITHOUT_FOLDS
from myosem.errors import MyoSemError
from myosem.splits import PROTOCOLS as SPLITS


def refused(*arguments: str) -> MyoSemError:
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    assert isinstance(result.exception, MyoSemError), result.output
    return result.exception


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "user"])
def test_a_bundle_is_judged_by_its_own_protocol_only(protocol: str) -> None:
    said = str(refused("--protocol", protocol, "--bundle", "anything"))
    assert "--bundle is for --protocol user" in said and protocol in said


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "holds no model" in str(refused("--bundle", str(tmp_path), "--folds", "folds.yaml"))


def test_the_protocols_of_retrieval_are_those_there_are() -> None:
    assert set(RETRIEVAL) == set(SPLITS)
    assert {name for name in RETRIEVAL if name in WITHOUT_FOLDS} == {
        name for name, one in SPLITS.items() if not one.folds
    }


def test_an_unknown_protocol_is_refused() -> None:
    assert "unknown protocol" in str(refused("--protocol", "anything"))


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name not in WITHOUT_FOLDS])
def test_folds_are_asked_for(protocol: str) -> None:
    assert f"--protocol {protocol} needs folds" in str(refused("--protocol", protocol))


@pytest.mark.parametrize("protocol", TRIALS)
def test_a_variant_is_for_retrieval_only(protocol: str) -> None:
    assert "--variant is for" in str(refused("--protocol", protocol, "--variant", "myosem"))


def test_a_fold_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folds.yaml").write_text("people: {toy: {0: [p1]}}")
    assert "unknown fold" in str(refused("--folds", str(tmp_path / "folds.yaml"), "--fold", "3"))
