"""``myosem evaluate`` refuses what it cannot do before anything is read or trained."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from myosem.cli.app import app
from myosem.errors import MyoSemError


def refused(*arguments: str) -> MyoSemError:
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    assert isinstance(result.exception, MyoSemError), result.output
    return result.exception


@pytest.mark.parametrize("protocol", ["loso", "few-shot", "device"])
def test_a_bundle_is_judged_by_its_own_protocol_only(protocol: str) -> None:
    said = str(refused("--protocol", protocol, "--bundle", "anything"))
    assert "--bundle is for --protocol user" in said and protocol in said


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "holds no model" in str(refused("--bundle", str(tmp_path), "--folds", "folds.yaml"))
