"""The image with a bundle that it pulls by itself: from a registry with TLS and a login, and all that can go wrong.

Runs where TEST_IMAGES=1 is set, as tests/docker/test_runtime_image.py does.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from base import __version__
from export.registry import push_bundle
from runtime.bundle.loading import load_bundle
from tests.docker.containers import HARDENED, ended, run, started
from tests.fixtures.certificates import make_certificate
from tests.fixtures.pushed import NAME, TwoVersions, make_two_versions, reference_in
from tests.fixtures.registries import (
    RunningRegistry,
    basic_auth,
    find_registry,
    free_port,
    running_registry,
    write_auth_file,
)
from trust.registry.access import RegistryAccess

REPOSITORY = Path(__file__).parents[2]
STORE = "/var/lib/sidewall/bundles"
pytestmark = [
    pytest.mark.skipif(os.environ.get("TEST_IMAGES") != "1", reason="images are tested where TEST_IMAGES=1"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
    pytest.mark.skipif(find_registry() is None, reason="docker-registry is not installed"),
]


@pytest.fixture(scope="module")
def image() -> str:
    if named := os.environ.get("TEST_IMAGE"):
        return named
    run("make", "-C", REPOSITORY, "images")
    return f"localhost/sidewall-runtime:{__version__}"


@dataclass(frozen=True)
class Site:
    """A registry with a certificate of its own authority and a login, two versions of a bundle, and a store."""

    folder: Path
    versions: TwoVersions
    certificate: tuple[Path, Path]
    port: int
    """Of the registry."""

    server_port: int

    @property
    def store(self) -> Path:
        """The folder that the container sees as its store."""
        return self.folder / "store"

    @property
    def options(self) -> tuple[str, ...]:
        """What the container is told, but for its bundle."""
        return (
            "--network=host",
            f"--env=SIDEWALL_LISTEN=127.0.0.1:{self.server_port}",
            f"--volume={self.versions.keys}:/keys:ro",
            "--env=SIDEWALL_TRUSTED_KEYS=/keys",
            f"--volume={self.certificate[0]}:/etc/registry-ca.pem:ro",
            "--env=SIDEWALL_REGISTRY_CA=/etc/registry-ca.pem",
            f"--volume={self.folder}/auth.json:/etc/auth.json:ro",
            "--env=REGISTRY_AUTH_FILE=/etc/auth.json",
        )

    @property
    def stored(self) -> tuple[str, ...]:
        """`options` with the store on a volume."""
        return (*self.options, f"--volume={self.store}:{STORE}")

    @contextmanager
    def registry(self) -> Iterator[RunningRegistry]:
        """Run the registry; what was pushed before is still there."""
        program = str(find_registry())
        auth = basic_auth(self.folder)
        folder = self.folder / "registry"
        with running_registry(program, folder, certificate=self.certificate, auth=auth, port=self.port) as registry:
            yield registry

    def push(self, registry: RunningRegistry, tag: str, *, second: bool = False) -> str:
        """Push one of the versions and return the artifact's digest."""
        access = RegistryAccess(self.certificate[0], self.folder / "auth.json")
        folder = self.versions.second if second else self.versions.first
        return push_bundle(folder, reference_in(registry, tag), self.versions.keys, access=access)

    def reference(self, tag: str) -> str:
        """Return what an operator writes."""
        return f"localhost:{self.port}/{NAME}:{tag}"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site whose registry does not run yet."""
    made = Site(tmp_path, make_two_versions(tmp_path), make_certificate(tmp_path), free_port(), free_port())
    made.store.mkdir()
    made.store.chmod(0o777)
    write_auth_file(tmp_path / "auth.json", f"localhost:{made.port}")
    return made


def _bundle_command(image: str, site: Site, *words: str) -> dict[str, Any]:
    """Run `sidewall bundle` hardened in the image, and return what it answers."""
    command = ("podman", "run", "--rm", "--no-healthcheck", *HARDENED, *site.stored, image)
    answer: dict[str, Any] = json.loads(run(*command, "bundle", *words, "--json").stdout)
    return answer


def _served(image: str, site: Site, bundle: str) -> tuple[str, str | None]:
    """Start the image with a bundle; return the digest of what serves, and what the log says of the registry."""
    with started(image, *site.stored, f"--env=SIDEWALL_BUNDLE={bundle}", "--tmpfs=/var/cache/sidewall") as container:
        container.wait_until_serving()
        serving, registry = container.entry("serving"), container.entry("bundle")
        assert serving is not None
        return str(serving["bundle"]), None if registry is None else str(registry["what"])


def test_an_update_and_a_rollback_with_the_registry_gone(image: str, site: Site) -> None:
    first, second = (
        load_bundle(each, site.versions.keys).digest for each in (site.versions.first, site.versions.second)
    )
    with site.registry() as registry:
        site.push(registry, "1")
        site.push(registry, "2", second=True)
        assert _bundle_command(image, site, "pull", site.reference("1"), "--use")["bundle_digest"] == first
        assert _served(image, site, f"{STORE}/current") == (first, None)
        assert _bundle_command(image, site, "pull", site.reference("2"), "--use")["bundle_digest"] == second
    assert _served(image, site, f"{STORE}/current") == (second, None)
    assert _bundle_command(image, site, "use", "previous")["bundle_digest"] == first
    assert _served(image, site, f"{STORE}/current") == (first, None)


def test_a_start_pulls_what_a_tag_is_and_goes_on_with_it_when_the_registry_is_gone(image: str, site: Site) -> None:
    first = load_bundle(site.versions.first, site.versions.keys).digest
    reference = site.reference("stable")
    with site.registry() as registry:
        digest = site.push(registry, "stable")
        assert _served(image, site, f"oci:{reference}") == (first, f"pulled {reference}: {digest}")
    serving, said = _served(image, site, f"oci:{reference}")
    assert serving == first
    assert said is not None
    assert said.endswith(f"is taken as it was when last pulled, {digest}")
    assert _served(image, site, f"oci:{reference}@{digest}") == (first, None)


def test_an_absent_an_unsigned_and_a_damaged_bundle_end_the_start_with_one_line(image: str, site: Site) -> None:
    _ends(image, site, site.stored, 5, "registry_failed: the registry of ", "does not answer")
    with site.registry() as registry:
        _ends(image, site, site.stored, 5, "registry_failed: the registry has no ", "stable")
        site.push(registry, "stable")
        signature = hashlib.sha256((site.versions.first / "manifest.sig").read_bytes()).hexdigest()
        untrusted = tuple(each for each in site.stored if "TRUSTED_KEYS" not in each)
        _ends(image, site, untrusted, 4, "bundle_rejected: ", "which is not trusted here")
        fold = hashlib.sha256((site.versions.first / "fold_1.onnx").read_bytes()).hexdigest()
        content = registry.blob(fold).read_bytes()
        registry.blob(fold).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        _ends(image, site, site.stored, 4, "bundle_rejected: ", "fold_1.onnx of the bundle was altered")
        registry.blob(signature).write_bytes(b"{}")
        _ends(image, site, site.stored, 4, "bundle_rejected: ", "manifest.sig")
    assert [path.name for path in site.store.iterdir()] == [".lock"]


def test_a_registry_that_is_not_trusted_or_wants_another_login_ends_the_start_with_one_line(
    image: str, site: Site
) -> None:
    with site.registry() as registry:
        site.push(registry, "stable")
        public = tuple(each for each in site.stored if "REGISTRY_CA" not in each)
        _ends(image, site, public, 5, "registry_failed: ", "cannot be trusted: its certificate is not valid here")
        absent = (*site.stored, "--env=SIDEWALL_REGISTRY_CA=/none.pem")
        _ends(
            image,
            site,
            absent,
            10,
            "file_absent: setting registry_ca is '/none.pem'",
            "a file with certificates (PEM) that is there",
        )
        nobody = tuple(each for each in site.stored if "AUTH_FILE" not in each)
        _ends(image, site, nobody, 5, "registry_failed: ", "wants another login (401)")


def test_a_full_a_foreign_and_a_read_only_store_end_the_start_with_one_line(image: str, site: Site) -> None:
    with site.registry() as registry:
        site.push(registry, "stable")
        site.store.chmod(0o755)
        for volume, begins, reason in (
            (f"--tmpfs={STORE}:size=16k", f"disk_full: {STORE}", "no space left on device"),
            (f"--volume={site.store}:{STORE}", f"permission_lacking: {STORE}", "permission denied"),
            (f"--volume={site.store}:{STORE}:ro", f"read_only_storage: {STORE}", "read-only file system"),
        ):
            _ends(image, site, (*site.options, volume), 8, begins, reason)


def _ends(image: str, site: Site, options: tuple[str, ...], status: int, begins: str, words: str) -> None:
    ended_with, lines = ended(image, *options, f"--env=SIDEWALL_BUNDLE=oci:{site.reference('stable')}")
    assert (ended_with, len(lines)) == (status, 1), lines
    assert lines[0].startswith(begins)
    assert words in lines[0]
