"""A phantom's study through a real gateway and a real engine, to a sink on this machine; and every way in which not."""

import json
import shutil
from pathlib import Path

import pydicom
import pytest

from base.errors import SettingInvalid
from gateway.self_testing import phantom_study, sink_of
from gateway.site.parts import Destination, Site
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway
from tests.fixtures.processes import make_bundle, running_server
from tests.fixtures.proxies import open_directly
from tests.fixtures.registries import free_port
from tests.fixtures.sending import renamed_study, send

SITE = """
[[caller]]
ae_title = "SELFTEST"
address = "127.0.0.1"

[[engine]]
address = "{engine}"

[[destination]]
name = "self-test"
host = "127.0.0.1"
port = {port}
ae_title = "SINK"
confirm = "none"

[[rule]]
name = "self-test"
calling_ae = ["SELFTEST"]
early_series = "*"
deliver = [{{ to = "self-test", objects = ["report"] }}]
"""


@pytest.fixture
def phantom(series: list[Path], tmp_path: Path) -> Path:
    folder = tmp_path / "phantom"
    folder.mkdir()
    for file in series:
        dataset = pydicom.dcmread(file)
        assert dataset.QualityControlSubject == "YES"
        shutil.copy(file, folder)
    return folder


def test_a_phantom_comes_back_without_waiting_for_the_quiet_time(
    place: GatewayPlace, stand_in: str, phantom: Path
) -> None:
    place.write_site(SITE.format(engine=stand_in, port=free_port()))
    with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S="600") as gateway:
        place.environment["SIDEWALL_GATEWAY_LISTEN"] = f"127.0.0.1:{gateway.port}"
        for _ in range(2):
            done = place.command("self-test", str(phantom), "--json")
            assert done.returncode == 0, done.stderr
        (first, second) = place.studies()
    assert json.loads(done.stdout) == {"study_uid": second.study_uid, "came_back": True}
    assert first.study_uid != second.study_uid


def counted(address: str, *names: str) -> dict[str, float]:
    """Return the samples that begin with one of the names and are not 0, as Prometheus reads them."""
    with open_directly(f"http://{address}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    values = {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name.startswith(names)
    }
    return {name: value for name, value in values.items() if value}


def counted_by_the_gateway(gateway: RunningGateway) -> dict[str, float]:
    """Return its studies and deliveries by their states."""
    port = next(each["web_port"] for each in gateway.log() if each["event"] == "serving")
    return counted(f"127.0.0.1:{port}", "sidewall_gateway_studies{", "sidewall_gateway_deliveries{")


def test_neither_engine_nor_gateway_counts_it_and_both_count_any_other_phantom(
    place: GatewayPlace, phantom: Path, series: list[Path], tmp_path: Path
) -> None:
    engine_metrics = f"127.0.0.1:{free_port()}"
    cases = ("sidewall_cases_total{", "sidewall_step_duration_seconds_count{", "sidewall_last_case_timestamp_seconds")
    caller = '[[caller]]\nae_title = "MR1"\naddress = "127.0.0.0/8"\n'
    rule = '[[rule]]\nname = "others"\nearly_series = "*"\n'
    other = renamed_study(series, ImagesInAcquisition=str(len(series)))
    with running_server(make_bundle(tmp_path), tmp_path, SIDEWALL_METRICS_LISTEN=engine_metrics) as engine:
        place.write_site(SITE.format(engine=engine.address, port=free_port()) + caller + rule)
        web = {"SIDEWALL_GATEWAY_QUIET_S": "600", "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0"}
        with running_gateway(place, **web) as gateway:
            place.environment["SIDEWALL_GATEWAY_LISTEN"] = f"127.0.0.1:{gateway.port}"
            assert place.command("self-test", str(phantom)).returncode == 0
            place.wait_for_states("delivered")
            assert counted(engine_metrics, *cases) == {}
            assert counted_by_the_gateway(gateway) == {}
            assert set(send(gateway.port, other)) == {0}
            place.wait_for_states("delivered", "answered")
            assert counted(engine_metrics, cases[0]) == {'sidewall_cases_total{outcome="answered"}': 1}
            assert counted_by_the_gateway(gateway) == {'sidewall_gateway_studies{state="answered"}': 1}


def test_without_an_engine_nothing_comes_back_and_without_a_gateway_nothing_goes(
    place: GatewayPlace, phantom: Path
) -> None:
    place.write_site(SITE.format(engine="127.0.0.1:1", port=free_port()))
    with running_gateway(place) as gateway:
        place.environment["SIDEWALL_GATEWAY_LISTEN"] = f"127.0.0.1:{gateway.port}"
        done = place.command("self-test", str(phantom), "--timeout-s", "3")
        assert (done.returncode, "self_test_failed" in done.stderr) == (3, True), done.stderr
    done = place.command("self-test", str(phantom), "--timeout-s", "3")
    assert done.returncode == 5, done.stderr


def test_only_a_phantom_is_sent_and_only_to_this_machine(phantom: Path, tmp_path: Path) -> None:
    file = next(iter(phantom.iterdir()))
    dataset = pydicom.dcmread(file)
    del dataset.QualityControlSubject
    dataset.save_as(file)
    (tmp_path / "empty").mkdir()
    for folder in (phantom, tmp_path / "empty", tmp_path / "nothing"):
        with pytest.raises(SettingInvalid, match="one series of a phantom"):
            phantom_study(folder)
    elsewhere = Destination(name="self-test", host="10.1.2.3", port=104, ae_title="PACS")
    for site in (Site(), Site(destinations=(elsewhere,))):
        with pytest.raises(SettingInvalid, match="at an address of this machine"):
            sink_of(site)
