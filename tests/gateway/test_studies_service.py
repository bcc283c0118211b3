"""The gRPC service of studies, with its clients, against a running gateway: what it tells, does and gives to whom."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pydicom
import pytest
import sidewall
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from base.reflecting import MAX_STREAMS, SERVICE_NAME
from gateway.ledger import history
from tests.fixtures.gateways import GatewayPlace, RunningGateway, recording_node, running_gateway
from tests.fixtures.proxies import open_channel
from tests.fixtures.sending import renamed_study, send

TOKENS = {"ris": "one-long-token", "viewer": "another-token", "scanner": "third-token"}
MAY = {"ris": ["query", "act"], "viewer": ["query", "fetch"], "scanner": ["store"]}

SITE = """
[[engine]]
address = "{engine}"

[[destination]]
name = "pacs"
host = "127.0.0.1"
port = {port}
ae_title = "RECORDER"
confirm = "none"

[[rule]]
name = "all"
deliver = [{{ to = "pacs" }}]

[[caller]]
ae_title = "MR1"
"""


def _callers() -> str:
    return "".join(
        f'\n[[caller]]\nname = "{name}"\ntoken_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        f"may = {json.dumps(MAY[name])}\n"
        for name, token in TOKENS.items()
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayPlace]:
    """Give a place for the one gateway of these tests."""
    given = GatewayPlace(tmp_path_factory.mktemp("studies"))
    yield given
    given.end()


@pytest.fixture(scope="module")
def gateway(place: GatewayPlace, stand_in: str) -> Iterator[RunningGateway]:
    """Give a running gateway with an engine that replays, and callers that may different things."""
    with recording_node() as node:
        place.write_site(SITE.format(engine=stand_in, port=node.port) + _callers())
        with running_gateway(place, SIDEWALL_GATEWAY_STUDIES_LISTEN="127.0.0.1:0") as running:
            yield running


@pytest.fixture(scope="module")
def study(place: GatewayPlace, gateway: RunningGateway, series: list[Path]) -> pydicom.FileDataset:
    """Return an instance of a study that was delivered."""
    instances = renamed_study(series, AccessionNumber="ACC-1", PatientName="Secret^Name")
    assert send(gateway.port, instances) == [0x0000] * len(instances)
    place.wait_for_states("delivered")
    return instances[0]


def _address(gateway: RunningGateway) -> str:
    port = next(each["studies_port"] for each in gateway.log() if each["event"] == "serving")
    return f"127.0.0.1:{port}"


def _client(gateway: RunningGateway, caller: str) -> sidewall.StudiesClient:
    return sidewall.StudiesClient(_address(gateway), token=TOKENS[caller])


def test_a_study_is_told_by_uid_accession_number_and_number(
    gateway: RunningGateway, study: pydicom.FileDataset
) -> None:
    with _client(gateway, "ris") as client:
        (listed,) = client.list(states=["delivered"])
        found = [client.get(name) for name in (str(study.StudyInstanceUID), "ACC-1", str(listed.number))]
        assert client.list(states=["failed"]) == ()
    assert found[0] == found[1] == found[2]
    assert (found[0].study_uid, found[0].state, found[0].rule) == (str(study.StudyInstanceUID), "delivered", "all")
    assert [each.state for each in found[0].history][-1] == "delivered"
    assert {each.state for each in found[0].deliveries} == {"confirmed"}
    assert found[0].head.entry > 0
    assert "Secret" not in repr(found)
    assert str(study.PatientID) not in repr(found)


def test_results_are_fetched_whole_and_every_fetch_is_in_the_chain_of_changes(
    gateway: RunningGateway, place: GatewayPlace, study: pydicom.FileDataset, tmp_path: Path
) -> None:
    with _client(gateway, "viewer") as client:
        results = client.fetch_results("ACC-1")
        one = client.fetch_results(str(study.StudyInstanceUID), "report.dcm")
        fetches = client.get("ACC-1").fetches
    results.save(tmp_path / "case")
    there = place.spool / "cases" / str(study.StudyInstanceUID) / "1"
    names = sorted(each.relative_to(there).as_posix() for each in there.rglob("*") if each.is_file())
    assert sorted(each.name for each in results.artefacts) == names
    assert all((tmp_path / "case" / name).read_bytes() == (there / name).read_bytes() for name in names)
    assert [each.name for each in one.artefacts] == ["report.dcm"]
    size_bytes = (there / "report.dcm").stat().st_size
    assert fetches[-1].reason == f"by viewer: 1 files (report.dcm), {size_bytes} bytes"
    assert fetches[-2].reason.startswith(f"by viewer: {len(names)} files (all), ")
    ledger = place.ledger()
    with ledger.read() as connection:
        assert history.first_fault(connection) is None
    ledger.close()


@pytest.mark.parametrize(
    ("caller", "call", "said"),
    [
        ("ris", "fetch_results", "caller ris may act, query (`may` in the site file); this needs fetch"),
        ("viewer", "retry", "caller viewer may fetch, query (`may` in the site file); this needs act"),
        ("viewer", "cancel", "caller viewer may fetch, query (`may` in the site file); this needs act"),
        ("scanner", "get", "caller scanner may store (`may` in the site file); this needs query"),
    ],
)
def test_a_caller_may_what_the_site_file_says_and_is_told_what_that_is(
    gateway: RunningGateway, study: pydicom.FileDataset, caller: str, call: str, said: str
) -> None:
    with _client(gateway, caller) as client, pytest.raises(sidewall.NotAllowed) as error:
        getattr(client, call)("ACC-1")
    assert (error.value.code, str(error.value)) == ("not_allowed", said)
    assert study.StudyInstanceUID


@pytest.mark.parametrize("token", [None, "", "wrong", "one-long-token "[:-2]])
def test_who_shows_nothing_that_the_site_file_knows_is_told_nothing(gateway: RunningGateway, token: str | None) -> None:
    with sidewall.StudiesClient(_address(gateway), token=token) as client, pytest.raises(sidewall.NotAllowed) as error:
        client.list()
    assert error.value.code == "not_known"
    assert "fit no caller of the site file" in str(error.value)


def test_what_is_not_there_or_cannot_be_done_is_told_as_such(
    gateway: RunningGateway, study: pydicom.FileDataset
) -> None:
    with _client(gateway, "viewer") as client:
        with pytest.raises(sidewall.NotFound) as no_study:
            client.get("1.2.3")
        with pytest.raises(sidewall.NotFound) as no_file:
            client.fetch_results("ACC-1", "../ledger.sqlite")
    with _client(gateway, "ris") as client:
        with pytest.raises(sidewall.WrongState) as wrong:
            client.cancel("ACC-1")
        with pytest.raises(sidewall.SidewallClientError, match="1 to 64 characters"):
            client.get("9" * 65)
        with pytest.raises(sidewall.SidewallClientError, match="receiving, waiting"):
            client.list(states=["lost"])
    assert (no_study.value.code, no_file.value.code) == ("no_such_study", "no_results")
    assert str(wrong.value) == "study 1 is delivered; allowed: receiving, waiting, analysing"
    assert study.StudyInstanceUID


def test_both_clients_watch_a_study_from_its_first_change_on_and_see_it_analysed_again(
    gateway: RunningGateway, place: GatewayPlace, study: pydicom.FileDataset
) -> None:
    uid = str(study.StudyInstanceUID)

    async def watched_again(after_entry: int) -> list[str]:
        async with sidewall.AsyncStudiesClient(_address(gateway), token=TOKENS["ris"]) as client:
            again = await client.retry(uid)
            assert (again.revision, again.state) in ((2, "waiting"), (2, "analysing"))
            seen = []
            async for change in client.watch(uid, after_entry=after_entry, timeout_s=60):
                seen.append(change.state)
                if change.state == "delivered":
                    break
            with pytest.raises(sidewall.NotAllowed):
                await client.fetch_results(uid)
            assert len(await client.list()) == 2
            return seen

    with _client(gateway, "ris") as client:
        seen = []
        for change in client.watch("ACC-1", timeout_s=60):
            seen.append(change)
            if change.state == "delivered":
                break
    assert [each.state for each in seen][:2] == ["receiving", "waiting"]
    assert (seen[0].was, seen[0].study_uid, seen[0].revision) == ("", uid, 1)
    states = asyncio.run(watched_again(seen[-1].entry))
    assert states == ["waiting", "analysing", "answered", "delivering", "delivered"]
    place.wait_for_states("delivered", "delivered")
    (opened,) = [each for each in place.studies() if each.revision == 2]
    ledger = place.ledger()
    with ledger.read() as connection:
        (first, *_) = history.entries_of(connection, opened.subject)
    ledger.close()
    assert first.reason == "asked for by ris, after revision 1"


def test_reflection_tells_the_contract_and_keeps_nobody_from_calling(
    gateway: RunningGateway, study: pydicom.FileDataset
) -> None:
    held = threading.Event()

    def hold_open() -> Iterator[ServerReflectionRequest]:
        yield ServerReflectionRequest(list_services="")
        held.wait(60)

    with open_channel(_address(gateway)) as channel:
        stub = ServerReflectionStub(channel)
        streams = [stub.ServerReflectionInfo(hold_open()) for _ in range(MAX_STREAMS)]
        answers = [next(each) for each in streams]
        with pytest.raises(grpc.RpcError) as error:
            next(stub.ServerReflectionInfo(hold_open()))
        with _client(gateway, "ris") as client:
            assert client.get("ACC-1").study_uid == study.StudyInstanceUID
        held.set()
        assert [list(each) for each in streams] == [[]] * MAX_STREAMS
        described = ProtoReflectionDescriptorDatabase(channel).FindFileContainingSymbol("sidewall.v1.Studies")
    services = [{each.name for each in answer.list_services_response.service} for answer in answers]
    expected = {"sidewall.v1.Studies", "grpc.reflection.v1alpha.ServerReflection", SERVICE_NAME}
    assert services == [expected] * MAX_STREAMS
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.value.details() == "5 streams of reflection at the same time; allowed: 4"
    assert described.name == "sidewall/v1/studies.proto"


def test_more_calls_than_one_caller_may_make_are_told_with_the_limit(tmp_path: Path) -> None:
    own = GatewayPlace(tmp_path)
    own.write_site(_callers())
    settings = {"SIDEWALL_GATEWAY_STUDIES_LISTEN": "127.0.0.1:0", "SIDEWALL_GATEWAY_MAX_CALLS_MIN": "3"}

    def ask_often(client: sidewall.StudiesClient) -> None:
        # A minute may begin between them.
        for _ in range(7):
            client.list()

    with running_gateway(own, **settings) as gateway:
        with _client(gateway, "ris") as client, pytest.raises(sidewall.ServerBusy) as error:
            ask_often(client)
        with _client(gateway, "viewer") as client:
            assert client.list() == ()
    assert str(error.value) == "4 calls of ris within a minute; allowed: 3"
    assert error.value.code == "too_many"
