"""One suite over every kind of store that is written to; the web server, which is only read, beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from fleet.stores.opening import opened_store
from fleet.stores.store import LARGEST_BYTES, FileAbsentThere, Store
from tests.fixtures.file_server import serving
from tests.fixtures.registries import RunningRegistry, find_registry, running_registry
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess

PLAIN = RegistryAccess(plain_http=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry is not installed")
    with running_registry(program, tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(params=["folder", "registry"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = str(tmp_path)
    if request.param == "registry":
        running: RunningRegistry = request.getfixturevalue("registry")
        where = f"oci:{running.host}/fleet/{request.node.name.split('[')[0].replace('_', '-')}"
    with opened_store(where, PLAIN) as opened:
        yield opened


def test_what_is_written_is_read_and_listed(store: Store) -> None:
    large = bytes(range(256)) * 1024  # Too large to stand inside a manifest.
    for name, content in (("boxes/b.json", b"{}"), ("boxes/a.json", b"first"), ("other/c.json", large)):
        store.write(name, content)
    store.write("boxes/a.json", b"second")
    assert store.read("boxes/a.json") == b"second"
    assert store.read("other/c.json") == large
    assert store.names("boxes") == ["boxes/a.json", "boxes/b.json"]
    assert store.names("nothing") == []


def test_a_file_that_is_not_there_is_told_from_a_store_that_is_not(store: Store) -> None:
    with pytest.raises(FileAbsentThere):
        store.read("boxes/none.json")
    for where in ("/nowhere/at/all", "oci:127.0.0.1:1/fleet"):
        with opened_store(where, PLAIN) as absent, pytest.raises(RegistryFailed):
            absent.read("boxes/none.json")


def test_what_is_too_large_is_not_read(store: Store) -> None:
    store.write("large.json", bytes(LARGEST_BYTES + 1))
    with pytest.raises(RegistryFailed, match="larger than 8388608 bytes"):
        store.read("large.json")


def test_what_a_web_server_has_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(bytes(LARGEST_BYTES + 1))
    with (
        serving(tmp_path) as address,
        opened_store(address, PLAIN) as store,
        pytest.raises(RegistryFailed, match="larger than 8388608 bytes"),
    ):
        store.read("large.json")


def test_content_that_was_changed_in_the_registry_is_not_given_out(registry: RunningRegistry) -> None:
    content = bytes(100_000)
    with opened_store(f"oci:{registry.host}/fleet/changed", PLAIN) as store:
        store.write("a/b.json", content)
        (blob,) = [each for each in registry.storage.rglob("data") if each.read_bytes() == content]
        blob.write_bytes(b"1" * 100_000)
        with pytest.raises(RegistryFailed):
            store.read("a/b.json")


def test_a_web_server_is_read_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "a.json").write_bytes(b"a")
    with serving(tmp_path) as address, opened_store(address, PLAIN) as store:
        assert store.read("metadata/a.json") == b"a"
        with pytest.raises(FileAbsentThere):
            store.read("metadata/b.json")
        with pytest.raises(SettingInvalid, match="a web server is only read"):
            store.write("metadata/a.json", b"b")
        with pytest.raises(SettingInvalid, match="lists no files"):
            store.names("metadata")
