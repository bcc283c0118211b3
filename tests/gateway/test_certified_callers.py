"""Callers that are known by the certificate they show: over associations, HTTP and gRPC alike."""

import http.client
import ssl
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import sidewall
from pynetdicom import AE

from tests.fixtures.certificates import make_certificate
from tests.fixtures.dead_sockets import refused_connections
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway
from tests.fixtures.sending import renamed_study

SITE = """
[[caller]]
ae_title = "MR1"
certificate = "scanner"

[[caller]]
name = "portal"
certificate = "scanner"
may = ["store", "query"]
"""

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Certificates:
    """The server's certificate, and those of two clients whom it believes."""

    def __init__(self, folder: Path) -> None:
        self.server = make_certificate(folder)
        self.scanner = make_certificate(folder, "scanner")
        self.stranger = make_certificate(folder, "stranger")
        self.authorities = folder / "clients.pem"
        self.authorities.write_bytes(self.scanner[0].read_bytes() + self.stranger[0].read_bytes())

    def context(self, own: tuple[Path, Path]) -> ssl.SSLContext:
        """Return what a client connects with."""
        context = ssl.create_default_context(cafile=str(self.server[0]))
        context.load_cert_chain(*own)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return the certificates."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def gateway(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Give a running gateway that asks for certificates everywhere."""
    place = GatewayPlace(tmp_path_factory.mktemp("certified"))
    place.write_site(SITE)
    settings = {
        "SIDEWALL_GATEWAY_TLS_CERTIFICATE": str(certificates.server[0]),
        "SIDEWALL_GATEWAY_TLS_KEY": str(certificates.server[1]),
        "SIDEWALL_GATEWAY_TLS_CLIENT_CA": str(certificates.authorities),
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_STUDIES_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_QUIET_S": "600",
    }
    with refused_connections(), running_gateway(place, **settings) as running:
        yield running
    place.end()


def _port(gateway: RunningGateway, name: str) -> int:
    port: int = next(each[name] for each in gateway.log() if each["event"] == "serving")
    return port


@pytest.mark.parametrize(("who", "status"), [("scanner", 0x0000), ("stranger", None)])
def test_an_association_is_of_whom_the_certificate_names(
    gateway: RunningGateway, certificates: Certificates, series: list[Path], who: str, status: int | None
) -> None:
    (instance,) = renamed_study(series[:1])
    entity = AE("MR1")
    entity.add_requested_context(instance.SOPClassUID, instance.file_meta.TransferSyntaxUID)
    own = certificates.context(getattr(certificates, who))
    association = entity.associate("127.0.0.1", gateway.port, ae_title="SIDEWALL", tls_args=(own, "localhost"))
    found = None
    if association.is_established:
        found = association.send_c_store(instance).get("Status")
        association.release()
    assert found == status


@pytest.mark.parametrize(("who", "status"), [("scanner", 200), ("stranger", 401)])
def test_a_request_over_http_is_of_whom_the_certificate_names(
    gateway: RunningGateway, certificates: Certificates, series: list[Path], who: str, status: int
) -> None:
    (instance,) = renamed_study(series[:1])
    stream = BytesIO()
    instance.save_as(stream)
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + stream.getvalue() + b"\r\n--b--\r\n"
    own = certificates.context(getattr(certificates, who))
    own.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", _port(gateway, "web_port"), context=own, timeout=60)
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    connection.request("POST", "/dicom-web/studies", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status == status
    if status == 401:
        assert said.startswith(b"a certificate and no token from 127.0.0.1 fit no caller of the site file")


def test_a_call_over_grpc_is_of_whom_the_certificate_names(gateway: RunningGateway, certificates: Certificates) -> None:
    address = f"localhost:{_port(gateway, 'studies_port')}"
    scanner = sidewall.TlsOptions(certificates.server[0], *certificates.scanner)
    with sidewall.StudiesClient(address, tls=scanner) as client:
        assert {each.state for each in client.list()} <= {"receiving"}
        with pytest.raises(sidewall.NotAllowed, match="caller MR1 may query, store") as error:
            client.cancel("1")
        assert error.value.code == "not_allowed"
    stranger = sidewall.TlsOptions(certificates.server[0], *certificates.stranger)
    with sidewall.StudiesClient(address, tls=stranger) as client:
        with pytest.raises(sidewall.NotAllowed) as unknown:
            client.list()
        assert unknown.value.code == "not_known"
    with (
        sidewall.StudiesClient(address, tls=sidewall.TlsOptions(certificates.server[0])) as client,
        pytest.raises(sidewall.ServerUnreachable),
    ):
        client.list()
