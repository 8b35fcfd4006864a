"""Fixtures that several test files use."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""The tests themselves run side by side; threads that wait for each other would only slow them down."""

REAL_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data sets are not at ../shared/data")
    return REAL_DATA.resolve()
