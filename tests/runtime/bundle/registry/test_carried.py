"""A bundle carried as a folder passes the judgement that a pulled one does."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from export.registry import push_bundle
from runtime.bundle.registry.carried import add_bundle
from runtime.bundle.registry.store import BundleStore
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.pushed import NAME, PLAIN
from tests.fixtures.registries import find_registry, running_registry
from trust.errors import BundleRejected
from trust.registry.reference import parse_reference


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """Return the folder that `skopeo copy` to dir: would write, the artifact's digest, and the keys that trust it."""
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("carried")
    bundle = make_tiny_bundle(folder / "made")
    keys = folder / "made" / "keys"
    with running_registry(program, folder / "registry") as registry:
        digest = push_bundle(bundle, parse_reference(f"{registry.host}/{NAME}:one"), keys, access=PLAIN)
        carried = folder / "artifact"
        carried.mkdir()
        shutil.copy(registry.blob(digest.removeprefix("sha256:")), carried / "manifest.json")
        for layer in json.loads((carried / "manifest.json").read_text())["layers"]:
            sha256 = layer["digest"].removeprefix("sha256:")
            shutil.copy(registry.blob(sha256), carried / sha256)
    return carried, digest, keys


@pytest.fixture
def carried(pushed: tuple[Path, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(pushed[2]))
    return Path(shutil.copytree(pushed[0], tmp_path / "carried"))


def test_a_carried_bundle_is_in_the_store_under_the_digest_of_its_artifact(
    carried: Path, pushed: tuple[Path, str, Path], tmp_path: Path
) -> None:
    store = BundleStore(tmp_path / "store")
    assert add_bundle(carried, store).digest == pushed[1]
    assert add_bundle(carried, store).digest == pushed[1]
    assert store.use(pushed[1]).roles == ("current",)


def _alter(folder: Path) -> None:
    largest = max(folder.iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.write_bytes(content)


def _lose(folder: Path) -> None:
    max(folder.iterdir(), key=lambda file: file.stat().st_size).unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_alter, "file fold_|file golden"), (_lose, "of the bundle is missing"), (None, "not trusted|no key")],
)
def test_what_a_pull_would_refuse_is_refused_and_leaves_nothing(
    carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None] | None, said: str
) -> None:
    if damage is None:
        monkeypatch.delenv("SIDEWALL_TRUSTED_KEYS")
    else:
        damage(carried)
    store = BundleStore(tmp_path / "store")
    with pytest.raises(BundleRejected, match=said):
        add_bundle(carried, store)
    assert store.bundles() == []
    assert not list(store.folder.glob("sha256*"))


def test_a_folder_without_an_artifact_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="an artifact as `skopeo copy` to dir: writes it"):
        add_bundle(tmp_path, BundleStore(tmp_path / "store"))
