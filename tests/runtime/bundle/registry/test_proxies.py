"""A registry behind the proxy that a hospital's machines have for downloads, and what is said of it."""

from pathlib import Path

import pytest

from export.registry import push_bundle
from runtime.bundle.registry.fetching import fetch_bundle, fetch_or_last
from runtime.bundle.registry.store import BundleStore
from tests.fixtures.certificates import make_certificate
from tests.fixtures.pushed import NAME, TwoVersions
from tests.fixtures.registries import running_registry
from tests.fixtures.tunnels import tunnels_to
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.reference import parse_reference

HOST = "registry.hospital.example"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate for a registry that no resolver knows, and its key."""
    return make_certificate(tmp_path, HOST)


def test_a_registry_is_reached_through_the_proxy_of_the_environment_and_the_fetch_says_so(
    program: str,
    versions: TwoVersions,
    store: BundleStore,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access = RegistryAccess(ca_file=certificate[0])
    reference = parse_reference(f"{HOST}:5000/{NAME}:stable")
    with (
        running_registry(program, tmp_path / "registry", certificate=certificate) as registry,
        tunnels_to(registry.port) as tunnels,
    ):
        monkeypatch.setenv("https_proxy", tunnels.url.replace("//", "//me:secret@"))
        digest = push_bundle(versions.first, reference, versions.keys, access=access)
        fetched = fetch_bundle(reference, store, access)
        assert (fetched.digest, fetched.pulled, fetched.way) == (
            digest,
            True,
            f" through the proxy 127.0.0.1:{tunnels.port}",
        )
        assert fetch_bundle(reference, store, access).proxy == f"127.0.0.1:{tunnels.port}"
        assert {place for place, _ in tunnels.asked} == {f"{HOST}:5000"}
        monkeypatch.setenv("no_proxy", "hospital.example")
        with pytest.raises(RegistryFailed) as direct:
            fetch_bundle(reference, BundleStore(tmp_path / "other"), access)
    assert "proxy" not in str(direct.value)


def test_a_dead_proxy_is_named_without_its_login(
    versions: TwoVersions, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, access = parse_reference("registry.invalid/a/b:1"), RegistryAccess()
    for proxy in ("http://me:secret@127.0.0.1:9", "me:secret@127.0.0.1:9"):
        monkeypatch.setenv("https_proxy", proxy)
        for ask in (
            lambda: fetch_or_last(reference, store, access),
            lambda: push_bundle(versions.first, reference, versions.keys, access=access),
        ):
            with pytest.raises(RegistryFailed, match=r"asked through the proxy 127\.0\.0\.1:9 of the env") as error:
                ask()
            assert "secret" not in str(error.value)
