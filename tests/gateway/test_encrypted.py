"""TLS between callers and the gateway."""

import json
import os
import socket
import ssl
import time
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from base.errors import SettingInvalid
from base.listening import LOOPBACK_WORDS
from gateway.settings import GatewaySettings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.dead_sockets import refused_connections
from tests.fixtures.gateways import GatewayPlace, running_gateway, wait_for


def _echo(port: int, ca: Path, own: tuple[Path, Path] | None) -> int | None:
    context = ssl.create_default_context(cafile=str(ca))
    if own:
        context.load_cert_chain(*own)
    entity = AE("MR1")
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = 20
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", port, ae_title="SIDEWALL", tls_args=(context, "localhost"))
    if not association.is_established:
        return None
    status: int | None = association.send_c_echo().get("Status")
    association.release()
    return status


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_only_who_shows_a_certificate_is_heard_and_a_renewed_one_is_taken_up(
    place: GatewayPlace, tmp_path: Path
) -> None:
    place.write_site("")
    (tmp_path / "clients").mkdir()
    server, client = make_certificate(tmp_path), make_certificate(tmp_path / "clients", "scanner")
    settings = {
        "SIDEWALL_GATEWAY_TLS_CERTIFICATE": str(server[0]),
        "SIDEWALL_GATEWAY_TLS_KEY": str(server[1]),
        "SIDEWALL_GATEWAY_TLS_CLIENT_CA": str(client[0]),
    }
    with running_gateway(place, **settings) as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port)):
            # Who connects and says nothing keeps nobody waiting.
            assert _echo(gateway.port, server[0], client) == 0x0000
        with refused_connections():
            assert _echo(gateway.port, server[0], None) is None
        before = server[0].read_bytes()
        renewed = make_certificate(tmp_path)
        assert renewed[0].read_bytes() != before
        os.utime(renewed[0], (time.time() + 5, time.time() + 5))
        wait_for(lambda: any(each["event"] == "certificate taken up" for each in gateway.log()), place.describe)
        assert _echo(gateway.port, renewed[0], client) == 0x0000


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"listen": "0.0.0.0:104"}, f"{LOOPBACK_WORDS}, or TLS, or plaintext = true"),
        (
            {"web_listen": "0.0.0.0:80", "tls_certificate": Path("c"), "tls_key": Path("k")},
            f"{LOOPBACK_WORDS}, or tls_client_ca, or plaintext = true",
        ),
        ({"tls_certificate": Path("c")}, "given with tls_certificate"),
        ({"tls_client_ca": Path("c")}, "with tls_certificate"),
        ({"ae_title": "A TITLE THAT IS TOO LONG"}, "1 to 16 characters of ASCII without a backslash"),
        ({"quiet_s": 0.0}, "0.05 to 86400"),
    ],
)
def test_a_setting_that_is_not_allowed_is_named_with_what_is(values: dict[str, object], said: str) -> None:
    with pytest.raises(SettingInvalid) as error:
        GatewaySettings(**values)  # type: ignore[arg-type]
    assert error.value.allowed == said


def test_a_bad_setting_ends_the_start_with_its_name_and_no_traceback(place: GatewayPlace) -> None:
    place.write_site('[[rule]]\nname = "x"\nmodalty = ["MR"]\n')
    done = place.command("serve")
    assert done.returncode == 2
    assert "did you mean rule.modality?" in json.loads(done.stderr.splitlines()[-1])["what"]
    assert "Traceback" not in done.stderr
