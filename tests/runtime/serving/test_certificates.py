"""Certificates by their dates, renewed in place, and a health check that needs none."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import sidewall
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from base.certificates import Validity, read_pem
from base.errors import AddressUnavailable, FileAbsent, ServerUnreachable, SettingInvalid
from base.local_health import local_address
from runtime.cli.doctor import examine
from runtime.cli.health import require_serving
from runtime.serving.metrics import Metrics
from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.proxies import open_channel

LOADING = "the server is still loading its model"
"""What a server without a model answers: the sign that the connection stands."""


@contextmanager
def serving(certificate: Path, key: Path, **others: Path) -> Iterator[tuple[Settings, Callable[..., float | None]]]:
    """Run a server that says that it serves; yield settings that name its address, and what reads its metrics."""
    metrics = Metrics(CollectorRegistry())
    settings = Settings(
        listen="localhost:0",
        shutdown_grace_s=0,
        tls_certificate=certificate,
        tls_key=key,
        **others,  # type: ignore[arg-type]
    )
    with Server(settings, metrics) as server:
        server._set_health(health_pb2.HealthCheckResponse.SERVING)
        yield Settings(**{**vars(settings), "listen": server.address}), metrics.registry.get_sample_value


def answer(address: str, authority: Path) -> str:
    """Return the words of the error that a call ends with."""
    with (
        sidewall.Client(address, tls=sidewall.TlsOptions(authority)) as client,
        pytest.raises(sidewall.ServerUnreachable) as error,
    ):
        client.analyze_series(b"x", timeout_s=60)
    return str(error.value)


def test_dates_are_told_in_words_and_days() -> None:
    ends = datetime(2026, 12, 31, 12, tzinfo=UTC)
    validity = Validity(datetime(2026, 1, 1, tzinfo=UTC), ends)
    assert validity.days_left(ends - timedelta(hours=36)) == 1.5
    assert validity.days_left(ends + timedelta(days=2)) == -2
    assert validity.describe(ends - timedelta(days=40)) == "valid to 2026-12-31 12:00 UTC, 40 days left"
    soon = "valid to 2026-12-31 12:00 UTC, 29 days left: renew it soon"
    assert validity.describe(ends - timedelta(days=29.5)) == soon
    assert validity.describe(ends) == "expired on 2026-12-31 12:00 UTC"
    assert validity.describe(datetime(2025, 12, 31, tzinfo=UTC)) == "is not valid before 2026-01-01 00:00 UTC"


def test_a_chain_ends_with_its_first_certificate_and_authorities_with_their_last(tmp_path: Path) -> None:
    short = make_certificate(tmp_path, "short", to_hours=1)[0].read_bytes()
    long = make_certificate(tmp_path, "long", to_hours=10)[0].read_bytes()
    assert Validity.of_chain(short + long).not_after == Validity.of_chain(short).not_after
    assert Validity.of_authorities(short + long).not_after == Validity.of_chain(long).not_after


@pytest.mark.parametrize(
    ("from_hours", "to_hours", "problem", "clients_words"),
    [
        (-10, -1, "expired on", "its certificate, or one that signed it, has expired; whoever runs it must renew it"),
        (5, 10, "is not valid before", "its certificate is not valid yet; check the clocks of both machines"),
    ],
)
def test_a_certificate_that_does_not_count_is_told_everywhere_and_renewed_without_a_restart(
    from_hours: float,
    to_hours: float,
    problem: str,
    clients_words: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    certificate, key = make_certificate(tmp_path, from_hours=from_hours, to_hours=to_hours)
    (tmp_path / "new").mkdir()
    renewed = make_certificate(tmp_path / "new")
    with serving(certificate, key) as (settings, shown):
        told = "".join(capfd.readouterr())
        assert "error" in told
        assert problem in told
        assert clients_words in answer(settings.listen, certificate)
        days = shown("sidewall_certificate_days_left", {"certificate": "server"})
        assert days is not None
        assert abs(days - to_hours / 24) < 0.04
        assert shown("sidewall_certificate_valid", {"certificate": "server"}) == 0
        with pytest.raises(ServerUnreachable, match=f"serves, but no caller can reach it: .* {problem}"):
            require_serving(settings, 60)
        (check,) = [each for each in examine(settings) if each.name == "certificate"]
        assert (check.ok, check.text.startswith(problem)) == (False, True)
        # First the certificate, whose key is not there yet: the old one stays in use.
        shutil.copy(renewed[0], certificate)
        assert shown("sidewall_certificate_valid", {"certificate": "server"}) == 0
        assert "certificate not renewed" in "".join(capfd.readouterr())
        shutil.copy(renewed[1], key)
        assert answer(settings.listen, renewed[0]) == LOADING
        assert shown("sidewall_certificate_valid", {"certificate": "server"}) == 1
        assert require_serving(settings, 60) == settings.listen
        (check,) = [each for each in examine(settings) if each.name == "certificate"]
        assert (check.ok, check.text.endswith("0 days left: renew it soon")) == (True, True)


def test_expired_authorities_of_clients_are_told(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    authority, _ = make_certificate(tmp_path, "authority", from_hours=-10, to_hours=-1)
    with serving(certificate, key, tls_client_ca=authority) as (settings, shown):
        assert shown("sidewall_certificate_valid", {"certificate": "client_ca"}) == 0
        assert shown("sidewall_certificate_valid", {"certificate": "server"}) == 1
        with pytest.raises(ServerUnreachable, match="whoever signs clients' certificates expired on"):
            require_serving(settings, 60)


def test_health_needs_no_certificate_that_clients_would_need_and_gets_nothing_else(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "box.hospital.example")
    authority, _ = make_certificate(tmp_path, "authority")
    with serving(certificate, key, tls_client_ca=authority) as (settings, _):
        assert require_serving(settings, 60) == settings.listen
        with open_channel(local_address(settings.listen)) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            assert stub.Check(health_pb2.HealthCheckRequest(service="sidewall.v1.Analysis"), timeout=60).status == 1
            with pytest.raises(grpc.RpcError) as error:
                list(analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter([analysis_pb2.AnalyzeSeriesRequest()])))
            assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(ServerUnreachable, match="no answer at localhost:"):
        require_serving(settings, 60)


def test_a_server_whose_health_another_one_answers_for_does_not_start(tmp_path: Path) -> None:
    from grpc_health.v1 import health

    from base.local_health import LocalHealth

    first, second = LocalHealth(health.HealthServicer()), LocalHealth(health.HealthServicer())
    first.start("test:1")
    with pytest.raises(AddressUnavailable, match="whose health no other server answers for"):
        second.start("test:1")
    first.stop()


def test_files_that_are_missing_that_cannot_be_read_and_that_hold_something_else_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(FileAbsent, match="that is there"):
        read_pem("tls_key", tmp_path / "absent")
    with pytest.raises(SettingInvalid, match=r"a readable PEM file \(is a directory, for user \d+\)"):
        read_pem("tls_key", tmp_path)
    with pytest.raises(SettingInvalid, match="it holds nothing in PEM form"):
        read_pem("tls_key", tmp_path / "text")
