"""What a program can ask of the server beside an analysis: what it is, which files it wants, and a result once more."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import sidewall
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2
from sidewall.results import Assembling
from sidewall.transfer import SeriesUpload
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc, findings_pb2

from base.reflecting import SERVICE_NAME
from core.findings import SCHEMA_VERSION
from runtime.bundle.loading import load_bundle
from runtime.errors import ResultNotKept
from runtime.inference.model import LoadedModel, load_model
from runtime.results.artefact import Artefact
from runtime.serving.kept import KeptFile, KeptResults
from runtime.serving.pace import Pace
from tests.fixtures.processes import ServerProcess, TinyBundle
from tests.fixtures.proxies import open_channel
from tests.proto.test_convert import full_findings
from tests.runtime.serving.test_server_limits import HeldModel, serving


@pytest.fixture(scope="module")
def stub(server: ServerProcess) -> Iterator[analysis_pb2_grpc.AnalysisStub]:
    """Return the bare calls of the contract."""
    with open_channel(server.address) as channel:
        yield analysis_pb2_grpc.AnalysisStub(channel)


@pytest.fixture(scope="module")
def model(bundle: TinyBundle) -> LoadedModel:
    return load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)


def analysed(stub: Any, series: Path, *wanted: str, all_of_them: bool = False) -> list[analysis_pb2.Event]:
    """Return the events of an analysis of which only some files are wanted."""
    first, *others = SeriesUpload(series, sidewall.CaseOptions())
    if not all_of_them:
        first.start.options.artefacts.SetInParent()
        first.start.options.artefacts.names.extend(wanted)
    return list(stub.AnalyzeSeries(iter([first, *others])))


def list_of(events: list[analysis_pb2.Event]) -> analysis_pb2.ArtefactList:
    (found,) = [each.artefact_list for each in events if each.WhichOneof("kind") == "artefact_list"]
    return found


def sent(events: list[analysis_pb2.Event]) -> list[str]:
    return [each.artefact.name for each in events if each.artefact.last]


def job_of(events: list[analysis_pb2.Event]) -> str:
    return events[0].accepted.job_id


def download(stub: Any, job_id: str, name: str, offset: int = 0) -> bytes:
    request = analysis_pb2.DownloadArtefactRequest(job_id=job_id, name=name, offset=offset)
    return b"".join(each.chunk.data for each in stub.DownloadArtefact(request))


def test_the_server_says_what_it_is(stub: Any) -> None:
    info = stub.GetServerInfo(analysis_pb2.GetServerInfoRequest())
    assert (info.contract, info.findings_version) == ("sidewall.v1", SCHEMA_VERSION)
    assert (info.limits.max_input_bytes, info.limits.max_waiting, info.limits.kept_s) == (512 << 20, 3, 600)
    assert info.model.fold_count >= 1
    assert [each.name for each in info.backends if each.is_used] == [info.model.backend]
    stations = {each.name: each.station for each in info.labels}
    assert stations["obturator"] == findings_pb2.STATION_OBTURATOR
    assert stations["node_positive"] == findings_pb2.STATION_UNSPECIFIED
    assert info.rules["short_axis_cutoff_mm"] == 7
    assert (info.load.running, info.load.routine_waiting) == (0, 0)


def test_an_answer_has_the_list_of_its_files_with_sizes_and_digests(stub: Any, series: Path) -> None:
    events = analysed(stub, series, all_of_them=True)
    entries = {each.name: each for each in list_of(events).entries}
    assert sent(events) == list(entries)
    parts: dict[str, bytes] = {}
    for event in events:
        if event.WhichOneof("kind") == "artefact":
            chunk = event.artefact
            assert chunk.offset == len(parts.get(chunk.name, b""))
            assert chunk.HasField("size_bytes") == (chunk.offset == 0)
            parts[chunk.name] = parts.get(chunk.name, b"") + chunk.data
    for name, data in parts.items():
        assert (entries[name].size_bytes, entries[name].sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert entries[name].is_sent
    assert list_of(events).kept.seconds == 600


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((), set()),
        (("report.dcm",), {"report.dcm"}),
        (("findings.json", "nothing.of.it"), {"findings.json"}),
    ],
)
def test_only_the_files_that_are_wanted_come(stub: Any, series: Path, wanted: Any, expected: set[str]) -> None:
    events = analysed(stub, series, *wanted)
    assert set(sent(events)) == expected
    assert {each.name for each in list_of(events).entries if each.is_sent} == expected
    assert len(list_of(events).entries) > 5


def test_a_folder_stands_for_all_files_below_it(stub: Any, series: Path) -> None:
    came = sent(analysed(stub, series, "keyimages/"))
    assert came
    assert all(each.startswith("keyimages/") for each in came)


def test_what_did_not_come_can_be_had_by_job_from_any_byte_on(stub: Any, series: Path) -> None:
    events = analysed(stub, series)
    entry = next(each for each in list_of(events).entries if each.name == "report.pdf")
    whole = download(stub, job_of(events), entry.name)
    assert hashlib.sha256(whole).hexdigest() == entry.sha256
    assert download(stub, job_of(events), entry.name, 1000) == whole[1000:]
    assert download(stub, job_of(events), entry.name, len(whole)) == b""
    with pytest.raises(grpc.RpcError) as beyond:
        download(stub, job_of(events), entry.name, len(whole) + 1)
    assert beyond.value.code() is grpc.StatusCode.OUT_OF_RANGE
    assert f"allowed: 0 to {len(whole)}" in str(beyond.value.details())


def test_a_caller_who_left_while_the_answer_came_has_the_result_once_more(stub: Any, series: Path) -> None:
    call = stub.AnalyzeSeries(iter(SeriesUpload(series, sidewall.CaseOptions(case_id="left"))))
    job_id = next(call).accepted.job_id
    for event in call:
        if event.WhichOneof("kind") == "findings":
            break
    call.cancel()
    result = stub.GetResult(analysis_pb2.GetResultRequest(job_id=job_id))
    assert result.findings.case.case_id == "left"
    entry = result.artefact_list.entries[0]
    assert hashlib.sha256(download(stub, job_id, entry.name)).hexdigest() == entry.sha256


def test_nothing_is_had_of_a_job_that_never_was(stub: Any) -> None:
    for ask in (
        lambda: stub.GetResult(analysis_pb2.GetResultRequest(job_id="f" * 32)),
        lambda: download(stub, "f" * 32, "findings.json"),
    ):
        with pytest.raises(grpc.RpcError) as absent:
            ask()
        assert absent.value.code() is grpc.StatusCode.NOT_FOUND
        trailing: Any = absent.value.trailing_metadata()
        assert dict(trailing)["sidewall-code"] == "no_results"


def test_a_list_of_wanted_files_that_is_too_long_is_told_what_is_allowed(stub: Any, series: Path) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        analysed(stub, series, *["name"] * 101)
    assert refused.value.details() == "setting artefacts is '101 names'; allowed: at most 100"


def test_the_client_asks_what_the_server_is_and_fetches_what_it_did_not_want_at_first(
    client: sidewall.Client, series: Path
) -> None:
    info = client.server_info()
    assert info.labels["node_negative"] == 4
    assert info.limits["max_instances"] == 2000
    assert info.model is not None
    result = client.analyze_series(series, options=sidewall.CaseOptions(case_id="few", artefacts=("report.dcm",)))
    assert [each.name for each in result.artefacts] == ["report.dcm"]
    page = next(each for each in result.files if each.name == "report.html")
    assert not page.is_sent
    assert len(client.fetch_artefact(result.job_id, page.name).data) == page.size_bytes
    ended = client.ended_case(result.job_id)
    assert (ended.findings["case"]["case_id"], len(ended.files)) == ("few", len(result.files))
    with pytest.raises(sidewall.NotFound, match="no file of that name"):
        client.fetch_artefact(result.job_id, "nothing.of.it")


def test_the_asynchronous_client_asks_and_fetches_as_the_other(server: ServerProcess, series: Path) -> None:
    async def ask() -> tuple[sidewall.ServerInfo, sidewall.EndedCase, sidewall.Artefact]:
        async with sidewall.AsyncClient(server.address) as client:
            result = await client.analyze_series(series, options=sidewall.CaseOptions(artefacts=()))
            assert result.artefacts == ()
            ended = await client.ended_case(result.job_id)
            return await client.server_info(), ended, await client.fetch_artefact(result.job_id, "findings.json")

    info, ended, file = asyncio.run(ask())
    assert info.contract == "sidewall.v1"
    assert json.loads(file.data) == ended.findings


class _BreakingStub:
    """Gives a download as the server does, and breaks the connection once in the middle of it."""

    def __init__(self, stub: Any) -> None:
        self._stub, self.offsets = stub, list[int]()

    def DownloadArtefact(self, request: Any, timeout: float) -> Iterator[Any]:  # noqa: N802 - gRPC's name
        """Yield half of the first chunk, then break."""
        self.offsets.append(request.offset)
        for message in self._stub.DownloadArtefact(request, timeout=timeout):
            if len(self.offsets) == 1:
                message.chunk.data, message.chunk.last = message.chunk.data[:500], False
                yield message
                raise _Unavailable
            yield message


class _Unavailable(grpc.RpcError):
    """A connection that broke."""

    def code(self) -> grpc.StatusCode:
        """Return what gRPC says of it."""
        return grpc.StatusCode.UNAVAILABLE


def test_a_download_that_breaks_goes_on_where_it_was(client: sidewall.Client, series: Path) -> None:
    job_id = client.analyze_series(series, options=sidewall.CaseOptions(artefacts=())).job_id
    whole = client.fetch_artefact(job_id, "report.pdf").data
    breaking = _BreakingStub(client._stub)
    client._stub = breaking  # type: ignore[assignment]
    assert client.fetch_artefact(job_id, "report.pdf").data == whole
    assert breaking.offsets == [0, 500]


def test_a_file_that_comes_altered_is_not_believed() -> None:
    chunk = analysis_pb2.ArtefactChunk(name="a", data=b"other", last=True, sha256=hashlib.sha256(b"one").hexdigest())
    with pytest.raises(sidewall.ServerFault, match="a did not come whole"):
        Assembling().take(chunk)


def test_a_case_that_waits_hears_its_place_and_later_no_more(model: LoadedModel, series: Path) -> None:
    held = HeldModel(model)
    steps: list[sidewall.Progress] = []
    with serving(held, max_waiting=2) as address, sidewall.Client(address) as client:
        first = threading.Thread(target=lambda: client.analyze_series(series))
        first.start()
        assert held.entered.wait(60)
        waits = threading.Event()

        def note(step: sidewall.Progress) -> None:
            steps.append(step)
            waits.set()

        second = threading.Thread(target=lambda: client.analyze_series(series, on_progress=note))
        second.start()
        assert waits.wait(60)
        held.released.set()
        first.join(60)
        second.join(60)
    assert (steps[0].stage, steps[0].queue_place) == ("wait", 1)
    assert steps[-1].queue_place is None


def keep(results: KeptResults, job_id: str, size: int, owner: frozenset[bytes] = frozenset()) -> None:
    files = [KeptFile.of(Artefact("file", "text/plain", bytes(size)))]
    results.keep(job_id, full_findings(), files, owner)


def test_the_oldest_result_goes_when_all_have_too_many_bytes() -> None:
    results = KeptResults(600, max_bytes=100)
    for job_id in ("first", "second", "third"):
        keep(results, job_id, 40)
    with pytest.raises(ResultNotKept):
        results.find("first", frozenset())
    assert results.find("third", frozenset()).size_bytes == 40
    keep(results, "too large", 101)
    with pytest.raises(ResultNotKept):
        results.find("too large", frozenset())
    results.close()


def test_a_result_is_forgotten_in_time() -> None:
    results = KeptResults(0.05)
    keep(results, "job", 1)
    for _ in range(200):
        try:
            results.find("job", frozenset())
        except ResultNotKept:
            return
        threading.Event().wait(0.05)
    pytest.fail("the result was not forgotten")


def test_many_results_wait_in_one_thread() -> None:
    results = KeptResults(600)
    before = set(threading.enumerate())
    for number in range(20):
        keep(results, f"job {number}", 1)
    assert len(set(threading.enumerate()) - before) == 1
    results.close()


def test_a_result_is_not_for_a_caller_with_another_certificate() -> None:
    results = KeptResults(600)
    keep(results, "job", 1, frozenset({b"pacs.hospital.example"}))
    assert results.find("job", frozenset({b"pacs.hospital.example", b"other name"}))
    for caller in (frozenset[bytes](), frozenset({b"other.hospital.example"})):
        with pytest.raises(ResultNotKept):
            results.find("job", caller)
    results.close()


def test_the_estimate_is_of_the_last_cases_and_of_how_far_the_one_is_that_runs() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.after_s(1) is None

    def take(duration_s: float) -> None:
        now[0] += duration_s

    for duration_s in (10.0, 12.0, 50.0):
        pace.timed(take)(duration_s)
    assert pace.after_s(2) == 24.0
    running: list[float | None] = []

    def ask(_: None) -> None:
        now[0] += 5.0
        running.append(pace.after_s(1))

    pace.timed(ask)(None)
    assert running == [7.0 + 12.0]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_of_both_versions_tells_every_service_and_describes_it(server: ServerProcess, version: str) -> None:
    Request, Response = reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
    with open_channel(server.address) as channel:
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )
        (listed,) = ask(iter([Request(list_services="")]))
        names = {each.name for each in listed.list_services_response.service}
        assert {"sidewall.v1.Analysis", SERVICE_NAME} < names
        for name, answer in zip(sorted(names), ask(Request(file_containing_symbol=each) for each in sorted(names))):  # noqa: B905
            described = [
                FileDescriptorProto.FromString(each) for each in answer.file_descriptor_response.file_descriptor_proto
            ]
            assert name.rpartition(".")[2] in {each.name for file in described for each in file.service}
