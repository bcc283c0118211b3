"""What a gateway tells whoever watches it: its health on its own machine, and what Prometheus reads."""

import os
import socket
import subprocess
import time
from pathlib import Path

from tests.fixtures.certificates import make_certificate
from tests.fixtures.dead_sockets import refused_connections
from tests.fixtures.disks import mount, small_disk
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway, wait_for
from tests.fixtures.processes import failures
from tests.fixtures.proxies import open_directly
from tests.fixtures.sending import renamed_study, send

CALLER = '[[caller]]\nae_title = "MR1"\naddress = "127.0.0.0/8"\n'


def shown(gateway: RunningGateway) -> dict[str, float]:
    """Return metric -> value, as Prometheus reads them."""
    port = next(each["web_port"] for each in gateway.log() if each["event"] == "serving")
    with open_directly(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def health(place: GatewayPlace, gateway: RunningGateway) -> subprocess.CompletedProcess[str]:
    """Ask as the image's health check does."""
    return place.command("health", "--listen", f"127.0.0.1:{gateway.port}")


def test_what_comes_in_is_counted_by_what_becomes_of_it(place: GatewayPlace, series: list[Path]) -> None:
    place.write_site(CALLER)
    one, two = renamed_study(series[:2])
    with running_gateway(place, SIDEWALL_GATEWAY_WEB_LISTEN="127.0.0.1:0") as gateway:
        assert send(gateway.port, [one, two]) == [0x0000, 0x0000]
        assert send(gateway.port, [one]) == [0x0000]
        two.Rows = 1
        assert send(gateway.port, [two]) == [0xC111]
        with refused_connections():
            assert send(gateway.port, [one], calling="NOBODY") == [None]
            assert send(gateway.port, [one], called="SOMEBODY") == [None]
        found = shown(gateway)
        done = health(place, gateway)
    assert (done.returncode, done.stdout) == (0, f"takes instances at 127.0.0.1:{gateway.port}\n")
    came = {name.split('"')[1]: value for name, value in found.items() if "_instances_total{" in name}
    assert {name: value for name, value in came.items() if value} == {"stored": 2, "again": 1, "other_content": 1}
    assert {"own", "no_room", "storage_failed", "unreadable", "wrong_instance"} <= set(came)
    assert found['sidewall_gateway_associations_rejected_total{reason="calling_title"}'] == 1
    assert found['sidewall_gateway_associations_rejected_total{reason="called_title"}'] == 1
    assert found['sidewall_gateway_associations_rejected_total{reason="too_many"}'] == 0
    assert found["sidewall_gateway_min_free_bytes"] == 10 << 20
    assert found["process_resident_memory_bytes"] > 0


def test_a_gateway_without_room_is_not_ready_and_says_so_once(place: GatewayPlace, series: list[Path]) -> None:
    place.write_site("")
    settings = {"SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0", "SIDEWALL_GATEWAY_MIN_FREE_MIB": "900000000"}
    with running_gateway(place, **settings) as gateway:
        assert send(gateway.port, renamed_study(series[:1])) == [0xA700]
        done, found = health(place, gateway), shown(gateway)
    assert done.returncode == 5
    assert f"the gateway at 127.0.0.1:{gateway.port} takes nothing now: its log has why" in done.stderr
    assert found["sidewall_gateway_takes_instances"] == 0
    assert found['sidewall_gateway_instances_total{outcome="no_room"}'] == 1
    assert found["sidewall_gateway_free_bytes"] < found["sidewall_gateway_min_free_bytes"]
    (told,) = [entry["what"] for entry in gateway.log() if entry["event"] == "not ready"]
    assert "MiB are free; needed: 900000000 MiB" in told


def test_an_expired_certificate_is_told_and_a_renewed_one_makes_ready_again(
    place: GatewayPlace, tmp_path: Path
) -> None:
    place.write_site("")
    certificate, key = make_certificate(tmp_path, from_hours=-48, to_hours=-24)
    settings = {
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_TLS_CERTIFICATE": str(certificate),
        "SIDEWALL_GATEWAY_TLS_KEY": str(key),
    }
    with running_gateway(place, **settings) as gateway:
        assert health(place, gateway).returncode == 5
        (told,) = [entry["what"] for entry in gateway.log() if entry["event"] == "not ready"]
        assert told.startswith("the server's certificate expired on ")
        renewed = make_certificate(tmp_path)
        os.utime(renewed[0], (time.time() + 5, time.time() + 5))
        wait_for(lambda: health(place, gateway).returncode == 0, place.describe)
    events = [
        entry["event"] for entry in gateway.log() if entry["event"] in ("certificate", "not ready", "ready again")
    ]
    assert events == ["certificate", "not ready", "certificate", "ready again"]


def test_nobody_who_answers_and_a_port_that_is_not_known_are_told(place: GatewayPlace) -> None:
    place.write_site("")
    silent = place.command("health", "--listen", "127.0.0.1:1")
    assert (silent.returncode, silent.stdout) == (5, "")
    assert "no gateway answers for 127.0.0.1:1" in silent.stderr
    unknown = place.command("health", "--listen", "127.0.0.1:0")
    assert unknown.returncode == 2
    assert "host:port with the port that the gateway took" in unknown.stderr


def test_a_port_that_is_taken_and_a_spool_that_cannot_be_written_end_the_start_with_their_reasons(
    place: GatewayPlace, tmp_path: Path
) -> None:
    place.write_site("")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        for setting in ("LISTEN", "WEB_LISTEN"):
            place.environment = {f"SIDEWALL_GATEWAY_{setting}": taken}
            done = place.command("serve")
            assert done.returncode == 9
            told = failures(done.stderr)
            assert told[-1].startswith(f"address_unavailable: setting {setting.lower()} is '{taken}'")
    with small_disk(tmp_path / "disk", 64) as disk:
        mount(disk, "-o", "remount,ro")
        place.environment = {"SIDEWALL_GATEWAY_SPOOL": str(disk)}
        done = place.command("serve")
        mount(disk, "-o", "remount,rw")
    assert done.returncode == 8
    assert failures(done.stderr)[-1].startswith(f"read_only_storage: {disk}: ")
