"""Certificates, logins and redirections, with a real registry where there is one to be had."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from export.registry import push_bundle
from runtime.bundle.registry.client import current_digest, pull_bundle
from tests.fixtures.certificates import make_certificate
from tests.fixtures.pushed import PLAIN, TwoVersions, reference_in
from tests.fixtures.registries import PASSWORD, RunningRegistry, basic_auth, running_registry, write_auth_file
from tests.fixtures.token_server import token_server
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.reference import Reference, parse_reference


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate for localhost that is its own authority, and its key."""
    return make_certificate(tmp_path)


def test_a_certificate_of_ones_own_authority_is_good_where_it_is_named_and_only_there(
    program: str, versions: TwoVersions, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    access = RegistryAccess(ca_file=certificate[0])
    with running_registry(program, tmp_path / "registry", certificate=certificate) as registry:
        digest = push_bundle(versions.first, reference_in(registry), access=access)
        assert pull_bundle(reference_in(registry), tmp_path / "copy", access=access)[1] == digest
        with pytest.raises(RegistryFailed, match="cannot be trusted: its certificate is not valid here: registry_ca"):
            current_digest(reference_in(registry), RegistryAccess())
        other_name = parse_reference(str(reference_in(registry)).replace("localhost", "127.0.0.1"))
        with pytest.raises(RegistryFailed, match="cannot be trusted"):
            current_digest(other_name, access)


def test_what_speaks_http_and_a_file_without_certificates_are_said_by_name(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    with pytest.raises(RegistryFailed, match="does not speak https"):
        current_digest(reference_in(registry), RegistryAccess())
    (tmp_path / "text.pem").write_text("no certificate")
    for name, allowed in (("none.pem", "a file with certificates"), ("text.pem", "a readable file with certificates")):
        with pytest.raises(SettingInvalid, match=rf"registry_ca is '.*'; allowed: {allowed}"):
            current_digest(reference_in(registry), RegistryAccess(ca_file=tmp_path / name))


def test_a_registry_that_wants_a_login_gets_that_of_the_file(
    program: str, versions: TwoVersions, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {"certificate": certificate, "auth": basic_auth(tmp_path)}
    with running_registry(program, tmp_path / "registry", **options) as registry:  # type: ignore[arg-type]
        file = write_auth_file(tmp_path / "auth.json", registry.host)
        access = RegistryAccess(certificate[0], file)
        digest = push_bundle(versions.first, reference_in(registry), access=access)
        assert pull_bundle(reference_in(registry), tmp_path / "copy", access=access)[1] == digest
        for other in (tmp_path / "other.json", write_auth_file(tmp_path / "wrong.json", registry.host, "wrong")):
            other.touch()
            other.write_text(other.read_text() or "{}")
            _is_turned_away(reference_in(registry), RegistryAccess(certificate[0], other), "wrong")
        with pytest.raises(RegistryFailed, match=r"wants another login \(401\)"):
            push_bundle(versions.first, reference_in(registry), access=RegistryAccess(certificate[0]))


def test_a_token_is_fetched_for_each_scope_and_serves_for_the_rest(
    program: str, versions: TwoVersions, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with (
        token_server(certificate) as tokens,
        running_registry(program, tmp_path / "registry", certificate=certificate, auth=tokens.auth) as registry,
    ):
        access = RegistryAccess(certificate[0], write_auth_file(tmp_path / "auth.json", f"{registry.host}/site"))
        digest = push_bundle(versions.first, reference_in(registry), access=access)
        pushing = len(tokens.asked)
        assert pull_bundle(reference_in(registry), tmp_path / "copy", access=access)[1] == digest
        assert tokens.asked[pushing:] == ["repository:site/models/tiny:pull"]
        _is_turned_away(reference_in(registry), RegistryAccess(certificate[0]), PASSWORD)


def _is_turned_away(reference: Reference, access: RegistryAccess, secret: str) -> None:
    with pytest.raises(RegistryFailed, match=r"wants another login \(401\): `podman login") as caught:
        current_digest(reference, access)
    assert secret not in str(caught.value)


def test_a_registry_on_this_machine_cannot_send_a_pull_elsewhere() -> None:
    with _redirecting("http://127.0.0.2:9/secret?token=abc") as port:
        reference = parse_reference(f"127.0.0.1:{port}/a:1")
        with pytest.raises(RegistryFailed, match=r"does not answer \(InvalidSchema\)") as caught:
            current_digest(reference, PLAIN)
    assert "abc" not in str(caught.value)


@contextmanager
def _redirecting(target: str) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        """Sends everybody to the target."""

        def do_GET(self) -> None:
            """Redirect."""
            self.send_response(307)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
