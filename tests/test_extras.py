import sys
from pathlib import Path

import pytest

from myosem.errors import MissingExtraError
from myosem.extras import (
    INSTALL,
    INSTALL_BASELINES,
    REPAIR,
    TRAIN,
    require_baselines,
    require_train,
    train_imports,
)


def add_distribution(folder: Path, name: str, version: str, requires: str = "", code: str = "") -> None:
    info = folder / f"{name.replace('-', '_')}-{version.partition('+')[0]}.dist-info"
    info.mkdir()
    demand = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version.partition('+')[0]}\n{demand}"
    )
    package = folder / name
    package.mkdir()
    (package / "version.py").write_text(f"__version__ = '{version}'\n{code}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with everything but torch and torchvision."""
    for name in TRAIN:
        if name not in ("torch", "torchvision"):
            add_distribution(tmp_path, name, "1.0")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def add_pair(site: Path, torch: str, vision: str, requires: str = "", code: str = "") -> None:
    add_distribution(site, "torch", torch, code=code)
    add_distribution(site, "torchvision", vision, requires)


@pytest.mark.parametrize(
    ("torch", "vision", "requires"),
    [
        ("2.15.0+cu132", "0.29.2+cu132", "torch (>=2.14.0)"),
        ("2.15.0+cu132", "0.29.2+cu130", "torch (>=2.14.0)"),
        ("2.13.0+cpu", "0.28.0+cpu", "torch (==2.13.0)"),
        ("2.13.0", "0.28.0", "torch==2.13.0"),
        ("2.13", "0.28.0", "torch==2.13.0; python_version >= '3'"),
        ("2.13.0", "0.28.0", ""),
    ],
)
def test_matching_pairs_pass(site: Path, torch: str, vision: str, requires: str) -> None:
    add_pair(site, torch, vision, requires)
    require_train()


@pytest.mark.parametrize(
    ("torch", "vision", "requires", "reason"),
    [
        ("2.13.0+cpu", "0.29.2+cu132", "torch (>=2.14.0)", "torchvision needs torch >=2.14.0"),
        (
            "2.13.0+cpu",
            "0.28.0+cu132",
            "torch (==2.13.0)",
            "torch was built for CPU, torchvision for CUDA 13",
        ),
        ("2.13.0+cu128", "0.28.0+cu132", "", "torch was built for CUDA 12, torchvision for CUDA 13"),
        ("2.13.1+cpu", "0.28.0+cpu", "torch==2.13.0", "torchvision needs torch ==2.13.0"),
        ("3.0.0", "0.28.0", "torch (<3,>=2.13)", "torchvision needs torch <3"),
        ("2.13.0", "0.28.0", "torch !=2.13.0", "torchvision needs torch !=2.13.0"),
    ],
)
def test_mismatched_pairs_name_both_versions_and_the_cure(
    site: Path, torch: str, vision: str, requires: str, reason: str
) -> None:
    add_pair(site, torch, vision, requires)
    with pytest.raises(MissingExtraError) as caught:
        require_train()
    message = str(caught.value)
    assert f"torch {torch} and torchvision {vision}" in message
    assert reason in message
    assert REPAIR in message


def test_the_build_is_read_from_the_cuda_line_where_the_version_has_no_tag(site: Path) -> None:
    add_pair(site, "2.13.0", "0.28.0+cpu", code="cuda: Optional[str] = '13.2'\n")
    with pytest.raises(MissingExtraError, match="torch was built for CUDA 13, torchvision for CPU"):
        require_train()


def test_what_is_missing_is_named_with_the_command(site: Path) -> None:
    add_distribution(site, "torch", "2.13.0+cpu")
    with pytest.raises(MissingExtraError) as caught:
        require_train()
    assert "no torchvision;" in str(caught.value)
    assert INSTALL in str(caught.value)


def test_a_baseline_names_the_package_it_lacks_with_the_command(site: Path) -> None:
    add_distribution(site, "skada", "1.0")
    require_baselines("skada")
    with pytest.raises(MissingExtraError) as caught:
        require_baselines("pyriemann")
    assert "got no pyriemann;" in str(caught.value)
    assert INSTALL_BASELINES in str(caught.value)


def test_an_operator_that_does_not_load_is_explained(site: Path) -> None:
    add_pair(site, "2.13.0", "0.28.0")
    message = "Could not import module 'PreTrainedModel'"
    with (
        pytest.raises(MissingExtraError, match="operator torchvision::nms does not exist") as caught,
        train_imports(),
    ):
        try:
            raise RuntimeError("operator torchvision::nms does not exist")
        except RuntimeError as cause:
            raise ModuleNotFoundError(message) from cause
    assert REPAIR in str(caught.value)


def test_other_failures_of_an_import_stay_what_they_are(site: Path) -> None:
    add_pair(site, "2.13.0", "0.28.0")
    with pytest.raises(RuntimeError, match="out of memory"), train_imports():
        raise RuntimeError("out of memory")


def test_this_environment_fits_together() -> None:
    require_train()
