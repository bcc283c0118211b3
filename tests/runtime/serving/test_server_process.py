"""The real server in its own process, asked by the real client."""

import json
import re
import resource
import signal
import threading
from pathlib import Path

import grpc
import jsonschema
import numpy as np
import pytest
import sidewall
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from core.findings_json import from_json
from tests.fixtures.bundles import make_tiny_volume
from tests.fixtures.processes import ServerProcess, TinyBundle, running_server
from tests.fixtures.proxies import open_channel
from tests.fixtures.tiny_series import BAD_INPUTS

SCHEMA = Path(sidewall.__file__).parent / "findings.schema.json"


def geometry_of(shape: tuple[int, int, int], **others: object) -> sidewall.Geometry:
    return sidewall.Geometry(
        shape_zyx=shape,
        spacing_mm_zyx=(3.0, 1.0, 1.0),
        origin_lps_mm=(-32.0, -32.0, 0.0),
        direction=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
        **others,  # type: ignore[arg-type]
    )


def large_volume() -> tuple[bytes, sidewall.Geometry]:
    """Return a volume that keeps the server busy for a long while."""
    shape = (60, 512, 512)
    noise = np.random.default_rng(0).integers(100, 600, shape).astype("<u2")
    return noise.tobytes(), geometry_of(shape, voxel_type="uint16", is_phantom=True)


def test_a_series_comes_back_as_findings_and_files(client: sidewall.Client, series: Path, tmp_path: Path) -> None:
    steps: list[sidewall.Progress] = []
    options = sidewall.CaseOptions(case_id="case 7", time_point="baseline")
    result = client.analyze_series(series, options=options, on_progress=steps.append)
    assert result.findings["status"] == "positive"
    assert result.findings["case"]["case_id"] == "case 7"
    assert result.findings["context"]["time_point"] == "baseline"
    assert {node["status"] for node in result.findings["nodes"]} == {"negative", "positive"}
    assert {node["side"] for node in result.findings["nodes"]} == {"left", "right"}
    assert {"read", "infer", "write"} <= {step.stage for step in steps}
    result.save(tmp_path)
    assert {"findings.json", "segmentation.dcm", "report.dcm"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "segmentation.dcm").read_bytes()[128:132] == b"DICM"


def test_wire_findings_equal_findings_json_and_fit_the_schema(client: sidewall.Client, series: Path) -> None:
    result = client.analyze_series(series)
    written = next(artefact.data for artefact in result.artefacts if artefact.name == "findings.json")
    assert json.loads(written) == result.findings
    jsonschema.validate(result.findings, json.loads(SCHEMA.read_text()))
    assert from_json(json.dumps(result.findings)).status == result.findings["status"]


def test_a_volume_comes_back_as_findings_without_dicom(client: sidewall.Client) -> None:
    volume, _ = make_tiny_volume()
    voxels = volume.voxels.astype("<f4").tobytes()
    result = client.analyze_volume(voxels, geometry_of(volume.shape, is_phantom=True))
    assert result.findings["status"] == "positive"
    assert result.findings["input"]["source"] == "volume"
    assert not [artefact.name for artefact in result.artefacts if artefact.name.endswith(".dcm")]


def test_a_patient_is_never_positive_or_negative_by_a_phantom_model(client: sidewall.Client) -> None:
    volume, _ = make_tiny_volume()
    result = client.analyze_volume(volume.voxels.astype("<f4").tobytes(), geometry_of(volume.shape))
    assert result.findings["status"] == "demonstration"
    assert {node["status"] for node in result.findings["nodes"]} == {"demonstration"}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_refused_with_its_code_and_the_server_goes_on(
    name: str, client: sidewall.Client, tmp_path: Path
) -> None:
    make, code = BAD_INPUTS[name]
    with pytest.raises(sidewall.Refused) as refusal:
        client.analyze_series(make(tmp_path / "input"))
    assert code in {reason.code for reason in refusal.value.reasons}
    assert refusal.value.findings is not None
    assert refusal.value.findings["status"] == "refused"
    assert code in {reason["code"] for reason in refusal.value.findings["refusal"]}
    assert client.is_serving()


@pytest.mark.parametrize(
    ("folder", "code"),
    [("PX0000_t2_sag", "not_axial"), ("PX0000_adc", "derived_image"), ("PX0000_bval_missing_slice", "missing_slice")],
)
def test_real_unfit_series_are_refused(folder: str, code: str, client: sidewall.Client, shared_data: Path) -> None:
    with pytest.raises(sidewall.Refused) as refusal:
        client.analyze_series(shared_data / "prostatex_t2" / folder)
    assert code in {reason.code for reason in refusal.value.reasons}


def test_voxels_that_do_not_fill_the_shape_are_refused(client: sidewall.Client) -> None:
    with pytest.raises(sidewall.Refused, match="4 bytes of voxels; the shape needs 196608") as refusal:
        client.analyze_volume(b"\0\0\0\0", geometry_of((12, 64, 64)))
    assert [reason.code for reason in refusal.value.reasons] == ["incomplete_transfer"]


def test_a_sheared_geometry_is_refused(client: sidewall.Client) -> None:
    sheared = sidewall.Geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), ((0, 0, 1), (0, 1, 0.5), (1, 0, 0)), "uint8")
    with pytest.raises(sidewall.Refused, match="orthonormal"):
        client.analyze_volume(b"\0", sheared)


def test_cancelling_stops_the_work(client: sidewall.Client, server: ServerProcess) -> None:
    class Enough(Exception):
        """Raised by the caller in the middle of the inference."""

    def stop(progress: sidewall.Progress) -> None:
        if progress.stage == "infer" and progress.done > 0:
            raise Enough

    voxels, geometry = large_volume()
    before = len(server.log())
    with pytest.raises(Enough):
        client.analyze_volume(voxels, geometry, on_progress=stop)
    entry = server.wait_for_entry(lambda entry: entry in server.log()[before:] and entry["event"] == "call ended")
    assert entry["outcome"] == "cancelled"


def test_a_deadline_stops_the_work(client: sidewall.Client, server: ServerProcess) -> None:
    voxels, geometry = large_volume()
    before = len(server.log())
    with pytest.raises(sidewall.DeadlineExceeded, match=f"no result came from {server.address} .* in the time given"):
        client.analyze_volume(voxels, geometry, timeout_s=2.0)
    entry = server.wait_for_entry(lambda entry: entry in server.log()[before:] and entry["event"] == "call ended")
    assert entry["outcome"] == "cancelled"


def test_a_server_that_dies_at_work_says_that_the_connection_broke_off(bundle: TinyBundle, tmp_path: Path) -> None:
    voxels, geometry = large_volume()
    with running_server(bundle, tmp_path) as server, sidewall.Client(server.address) as client:
        words = rf"the connection to {server.address} .* broke off before the result was there \(job [0-9a-f]{{32}}\)"
        with pytest.raises(sidewall.ServerUnreachable, match=words):
            client.analyze_volume(voxels, geometry, on_progress=lambda _: server.process.kill())


def test_health_names_the_service_and_unknown_ones(server: ServerProcess) -> None:
    with open_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "sidewall.v1.Analysis"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as error:
            stub.Check(health_pb2.HealthCheckRequest(service="other"))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services(server: ServerProcess) -> None:
    with open_channel(server.address) as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {"sidewall.v1.Analysis", "grpc.health.v1.Health"} <= services


def test_the_log_holds_no_patient_data(client: sidewall.Client, series: Path, server: ServerProcess) -> None:
    result = client.analyze_series(series, options=sidewall.CaseOptions(case_id="MILLER"))
    text = server.log_file.read_text()
    identity = result.findings["case"]
    for private in ("MILLER", "PHANTOM^", "PHANTOM-", identity["study_instance_uid"], identity["series_instance_uid"]):
        assert private not in text
    assert result.job_id in text


def test_the_log_says_that_a_case_was_answered_and_not_what_was_found(
    client: sidewall.Client, series: Path, server: ServerProcess
) -> None:
    result = client.analyze_series(series)
    assert result.findings["status"] == "positive"
    entry = server.wait_for_entry(lambda each: each["event"] == "call ended" and each.get("job") == result.job_id)
    assert entry["outcome"] == "answered"
    assert not re.search(r"\b(positive|negative|indeterminate|suspicious|borderline)\b", server.log_file.read_text())


@pytest.mark.trial
def test_twenty_calls_in_a_row_do_not_grow_the_server(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    volume, _ = make_tiny_volume()
    voxels, geometry = volume.voxels.astype("<f4").tobytes(), geometry_of(volume.shape)
    # Results that are kept for callers have a bound of their own.
    with (
        running_server(bundle, tmp_path, SIDEWALL_RESULT_KEPT_S="0") as server,
        sidewall.Client(server.address) as client,
    ):
        statistics = Path(f"/proc/{server.process.pid}/statm")

        def resident_mib_after(pairs: int) -> float:
            for _ in range(pairs):
                client.analyze_series(series)
                client.analyze_volume(voxels, geometry)
            return int(statistics.read_text().split()[1]) * resource.getpagesize() / 2**20

        warm_mib = resident_mib_after(4)
        assert resident_mib_after(6) < warm_mib + 40


def test_sigterm_lets_a_running_call_finish(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path) as server, sidewall.Client(server.address) as client:
        signalled = threading.Event()

        def terminate(_: sidewall.Progress) -> None:
            if not signalled.is_set():
                server.process.send_signal(signal.SIGTERM)
                server.wait_for_entry(lambda entry: entry["event"] == "stopping")
                signalled.set()

        assert client.analyze_series(series, on_progress=terminate).findings["status"] == "positive"
        assert server.process.wait(60) == 0
        with pytest.raises(sidewall.ServerUnreachable):
            client.analyze_series(series)
