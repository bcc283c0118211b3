"""A real Prometheus asks a real gateway whose HTTP has TLS, with the configuration that ships for that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.certificates import make_certificate
from tests.fixtures.gateways import GatewayPlace, running_gateway
from tests.integration.prometheus import prometheus_of_a_gateway_with_tls, why_absent

pytestmark = pytest.mark.skipif(why_absent() is not None, reason=str(why_absent()))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[GatewayPlace]:
    given = GatewayPlace(tmp_path)
    yield given
    given.end()


def test_a_gateway_that_asks_for_certificates_is_read_by_the_shipped_configuration(
    place: GatewayPlace, tmp_path: Path
) -> None:
    place.write_site("")
    watcher, tls = tmp_path / "watcher", tmp_path / "watcher" / "tls"
    tls.mkdir(parents=True)
    certificate, key = make_certificate(tmp_path, "sidewall-gateway")
    shown, _ = make_certificate(tls, "prometheus")
    (tls / "ca.pem").write_bytes(certificate.read_bytes())
    settings = {
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_TLS_CERTIFICATE": str(certificate),
        "SIDEWALL_GATEWAY_TLS_KEY": str(key),
        "SIDEWALL_GATEWAY_TLS_CLIENT_CA": str(shown),
    }
    with running_gateway(place, **settings) as gateway:
        port = next(each["web_port"] for each in gateway.log() if each["event"] == "serving")
        with prometheus_of_a_gateway_with_tls(watcher, f"127.0.0.1:{port}") as prometheus:
            prometheus.wait_for(lambda it: it.query('up{job="sidewall-gateway"} == 1'))
            (takes,) = prometheus.query("sidewall_gateway_takes_instances")
            days = prometheus.query("sidewall_certificate_days_left")
    assert takes["value"][1] == "1"
    assert {each["metric"]["certificate"] for each in days} == {"server", "client_ca"}
