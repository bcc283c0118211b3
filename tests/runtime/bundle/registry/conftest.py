"""A registry without content, two versions of the tiny bundle, and an empty store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bundle.registry.store import BundleStore
from tests.fixtures.pushed import TwoVersions, make_two_versions
from tests.fixtures.registries import RunningRegistry, find_registry, running_registry


@pytest.fixture(scope="session")
def program() -> str:
    """Return the registry's program."""
    found = find_registry()
    if found is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    return found


@pytest.fixture
def registry(program: str, tmp_path: Path) -> Iterator[RunningRegistry]:
    """Return a running registry without content."""
    with running_registry(program, tmp_path / "registry") as running:
        yield running


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwoVersions:
    """Return two versions of a bundle that this process trusts."""
    made = make_two_versions(tmp_path)
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(made.keys))
    return made


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """Return an empty store."""
    return BundleStore(tmp_path / "store")
