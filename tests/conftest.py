"""Fixtures that find the real data the tests run on."""

from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real files and independent reference numbers beside the repository; skip without it."""
    folder = _TESTS.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference data folder `shared/data` does not lie beside this checkout")
    return folder


@pytest.fixture(scope="session")
def real_series() -> Path:
    """Return the folder of a real axial T2-weighted pelvic series (19 instances; see tests/data/README.md)."""
    return _TESTS / "data" / "PX0000_t2_tra"
