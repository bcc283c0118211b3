"""The asynchronous client against the real server, and what the options of a case do there."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pytest
import sidewall
from sidewall.v1 import analysis_pb2_grpc

from tests.fixtures.processes import ServerProcess, make_bundle, running_server
from tests.fixtures.tiny_series import write_tiny_series

_TIME = "2026-03-01T12:00:00+01:00"
_TIED = sidewall.RefusalReason("tied_series", "2 series tie")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("async_client")
    with running_server(make_bundle(folder), folder) as running:
        yield running


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_tiny_series(tmp_path_factory.mktemp("series"))


async def _analyze(address: str, files: list[Path], *options: sidewall.CaseOptions) -> list[sidewall.Result]:
    async with sidewall.AsyncClient(address) as client:
        return await asyncio.gather(*(client.analyze_series(files, options=each) for each in options))


def test_the_same_time_gives_the_same_bytes_to_both_clients(server: ServerProcess, series: list[Path]) -> None:
    options = sidewall.CaseOptions(analysed_at=_TIME)
    first, second = asyncio.run(_analyze(server.address, series, options, options))
    with sidewall.Client(server.address) as client:
        third = client.analyze_series(series, options=options)

    for other in (second, third):
        differing = {
            mine.name
            for mine, theirs in zip(first.artefacts, other.artefacts, strict=True)
            if mine.name.endswith(".dcm") and mine.data != theirs.data
        }
        assert not differing
    assert first.findings["analysed_at"] == "2026-03-01T11:00:00+00:00"


def test_a_time_without_its_zone_is_refused(server: ServerProcess, series: list[Path]) -> None:
    options = sidewall.CaseOptions(analysed_at="2026-03-01T12:00:00")
    with pytest.raises(ValueError, match=r"analysed_at is .*allowed: ISO 8601 with its zone"):
        asyncio.run(_analyze(server.address, series, options))


def test_a_study_that_the_caller_refuses_comes_back_as_a_refusal_with_its_report(
    server: ServerProcess, series: list[Path]
) -> None:
    options = sidewall.CaseOptions(analysed_at=_TIME, refusal=(_TIED,))
    with pytest.raises(sidewall.Refused) as refused:
        asyncio.run(_analyze(server.address, series[:1], options))

    assert refused.value.reasons == (_TIED,)
    names = {each.name for each in refused.value.artefacts}
    assert {"findings.json", "report.dcm"} <= names
    findings = next(each for each in refused.value.artefacts if each.name == "findings.json")
    assert json.loads(findings.data)["status"] == "refused"


def test_reasons_that_the_contract_does_not_know_are_an_error(server: ServerProcess, series: list[Path]) -> None:
    options = sidewall.CaseOptions(refusal=(sidewall.RefusalReason("boredom", "no"),))
    with pytest.raises(sidewall.SidewallClientError, match=r"refusal\.code is 'boredom'"):
        asyncio.run(_analyze(server.address, series[:1], options))


def test_a_server_that_is_not_there_is_named(series: list[Path]) -> None:
    with pytest.raises(sidewall.ServerUnreachable, match="nothing listens there"):
        asyncio.run(_analyze("127.0.0.1:1", series, sidewall.CaseOptions()))


def test_cancelling_the_task_stops_the_case(server: ServerProcess, series: list[Path]) -> None:
    async def cancel() -> None:
        async with sidewall.AsyncClient(server.address) as client:
            task = asyncio.create_task(client.analyze_series(series))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await client.require_serving()

    asyncio.run(cancel())


class _Full(analysis_pb2_grpc.AnalysisServicer):
    """Tells at the first message that it is full, as the engine's admission does; the next ones are on their way."""

    def AnalyzeVolume(self, requests: Iterable[Any], context: Any) -> NoReturn:  # noqa: N802 - the contract's name
        next(iter(requests))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "3 cases wait already")
        raise AssertionError("abort has raised")


def test_a_server_that_is_full_is_busy_though_the_upload_was_on_its_way() -> None:
    # grpc.aio put INTERNAL over about half of these answers (grpc/grpc#36066).
    shape, calls = (24, 256, 256), 60
    geometry = sidewall.Geometry(shape, (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), ((0, 0, 1), (0, 1, 0), (1, 0, 0)), "int16")
    voxels = bytes(2 * 24 * 256 * 256)

    async def told(address: str) -> set[str]:
        async with sidewall.AsyncClient(address) as client:
            return {await _busy(client) for _ in range(calls)}

    async def _busy(client: sidewall.AsyncClient) -> str:
        with pytest.raises(sidewall.ServerBusy) as busy:
            await client.analyze_volume(voxels, geometry)
        return str(busy.value)

    server = grpc.server(ThreadPoolExecutor(2))
    analysis_pb2_grpc.add_AnalysisServicer_to_server(_Full(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert asyncio.run(told(f"127.0.0.1:{port}")) == {"3 cases wait already"}
    finally:
        server.stop(None).wait()
