"""Callers who send nothing, read nothing, leave or vanish, and what that costs the others: nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import sidewall
from prometheus_client import CollectorRegistry
from sidewall.transfer import SeriesUpload
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from base.errors import ServerBusy
from core.errors import CaseRefused
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.bundle.loading import load_bundle
from runtime.inference.model import LoadedModel, load_model
from runtime.serving.answers import Answers
from runtime.serving.metrics import Metrics
from runtime.serving.server import Server
from runtime.serving.transfers import Transfers
from runtime.settings import Settings
from tests.fixtures.processes import TinyBundle
from tests.fixtures.proxies import open_channel

LOCAL = Settings(listen="127.0.0.1:0", shutdown_grace_s=0)
START = analysis_pb2.AnalyzeSeriesRequest(start=analysis_pb2.SeriesStart())


@pytest.fixture(scope="module")
def model(bundle: TinyBundle) -> LoadedModel:
    return load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)


class HeldModel(LoadedModel):
    """A model whose segmentation waits until it is let go, or until its caller has gone."""

    entered: threading.Event
    released: threading.Event

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(**vars(model))
        object.__setattr__(self, "entered", threading.Event())
        object.__setattr__(self, "released", threading.Event())

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None) -> Segmentation:
        """Wait, then segment."""
        self.entered.set()
        while not self.released.wait(0.02):
            monitor.check()
        return super().segment(volume, monitor, rules)


@contextmanager
def serving(model: LoadedModel, **changes: Any) -> Iterator[tuple[Server, Callable[..., float | None]]]:
    """Run a server in this process; yield it, and what reads its metrics."""
    metrics = Metrics(CollectorRegistry())
    with Server(replace(LOCAL, **changes), metrics) as server:
        server.open(model)
        yield server, metrics.registry.get_sample_value


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after two minutes."""
    for _ in range(2400):
        if holds():
            return
        threading.Event().wait(0.05)
    pytest.fail("what was awaited did not come about")


class Silent:
    """The messages of a caller who sends the first and then nothing, until told to end."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def __iter__(self) -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
        yield START
        self.end.wait(300)


def next_event(call: Any) -> analysis_pb2.Event:
    """Return the next event of a running call."""
    event: analysis_pb2.Event = next(call)
    return event


def requests_of(series: Path) -> list[analysis_pb2.AnalyzeSeriesRequest]:
    """Return the messages of a whole series."""
    return list(SeriesUpload(series, sidewall.CaseOptions()))


def test_fifty_callers_who_send_nothing_keep_nobody_out_and_are_dropped(model: LoadedModel, series: Path) -> None:
    silent = Silent()
    with (
        serving(model, transfer_idle_s=8.0) as (server, shown),
        open_channel(server.address) as channel,
        sidewall.Client(server.address) as client,
    ):
        stub = analysis_pb2_grpc.AnalysisStub(channel)
        idle = [stub.AnalyzeSeries(iter(silent), timeout=300) for _ in range(50)]
        for each in idle:
            assert next_event(each).WhichOneof("kind") == "accepted"
        assert shown("sidewall_calls_admitted") == 0
        assert client.analyze_series(series).findings["status"] == "positive"
        for each in idle:
            assert next_event(each).refusal.reasons[0].message == "nothing came for 8 s"
            with pytest.raises(grpc.RpcError):
                next_event(each)
        silent.end.set()
        eventually(lambda: shown("sidewall_transfers") == 0)


def test_more_transfers_than_allowed_are_turned_away_at_once(model: LoadedModel, series: Path) -> None:
    silent = Silent()
    with (
        serving(model, max_transfers=1) as (server, _),
        open_channel(server.address) as channel,
        sidewall.Client(server.address) as client,
    ):
        idle = analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(silent), timeout=300)
        next_event(idle)
        with pytest.raises(sidewall.ServerBusy, match="1 transfer coming in; allowed: 1"):
            client.analyze_series(series)
        silent.end.set()


def test_a_transfer_is_too_slow_only_after_a_whole_minute_below_the_rate() -> None:
    """1 KiB/s are 61,440 bytes a minute; the messages have 40,000 bytes, with the name of the field 40,008."""
    noted: list[int] = []
    transfers = Transfers(replace(LOCAL, transfer_min_kib_s=1.0, transfer_idle_s=1000.0, transfer_timeout_s=1000.0))
    message = analysis_pb2.AnalyzeSeriesRequest(instance=analysis_pb2.InstanceChunk(data=bytes(40_000)))
    with transfers.begin(noted.append) as transfer:
        start_s = transfer._started_s
        list(transfer.read([message]))
        transfer.check(start_s + 59)
        with pytest.raises(CaseRefused, match=rf"{message.ByteSize()} bytes came in 60 s; allowed: 61440 or more"):
            transfer.check(start_s + 60)
        list(transfer.read([message]))
        transfer.check(start_s + 60)
        assert noted == [message.ByteSize()] * 2
        with pytest.raises(CaseRefused, match="0 bytes came in 60 s"):
            transfer.check(start_s + 400)


def test_all_calls_together_hold_at_most_two_inputs_of_the_largest_size() -> None:
    transfers = Transfers(replace(LOCAL, max_input_mib=1))
    message = analysis_pb2.AnalyzeSeriesRequest(instance=analysis_pb2.InstanceChunk(data=bytes(900_000)))
    with transfers.begin(lambda _: None) as first, transfers.begin(lambda _: None) as second:
        list(first.read([message]))
        list(second.read([message]))
        assert transfers.held_bytes == 2 * message.ByteSize()
        with pytest.raises(ServerBusy, match="bytes of input are held already; allowed: 2097152"):
            list(second.read([message]))
        first.forget()
        first.forget()
        list(second.read([message]))
    assert (transfers.open, transfers.held_bytes) == (0, 2 * message.ByteSize())
    second.forget()
    assert transfers.held_bytes == 0


def test_a_caller_who_does_not_read_holds_no_place_and_is_dropped_in_time(model: LoadedModel, series: Path) -> None:
    small_windows = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1))
    with (
        serving(model, max_waiting=0, answer_timeout_s=5.0) as (server, shown),
        open_channel(server.address, *small_windows) as channel,
        sidewall.Client(server.address) as client,
    ):
        unread = analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(requests_of(series)), timeout=300)
        assert next_event(unread).WhichOneof("kind") == "accepted"
        eventually(lambda: shown("sidewall_step_duration_seconds_count", {"step": "write"}) == 1)
        eventually(lambda: shown("sidewall_calls_admitted") == 0)
        assert client.analyze_series(series).findings["status"] == "positive"
        eventually(lambda: shown("sidewall_calls_failed_total", {"code": "answer_not_read"}) == 1)
        assert shown("sidewall_answers_unread_bytes") == 0
        with pytest.raises(grpc.RpcError) as error:
            list(unread)
        assert error.value.code() == grpc.StatusCode.CANCELLED


def test_results_that_wait_are_bounded_in_number_and_bytes_and_the_oldest_goes_first() -> None:
    dropped: list[str] = []
    answers = Answers(300, max_answers=3, max_bytes=100)
    for name, size in (("a", 40), ("b", 40), ("c", 10)):
        answers.hold(name, size, lambda name=name: dropped.append(name))  # type: ignore[misc]
    assert (answers.bytes_waiting, dropped) == (90, [])
    answers.hold("d", 10, lambda: dropped.append("d"))
    assert (answers.bytes_waiting, dropped) == (60, ["a"])
    answers.read("c")
    answers.hold("e", 95, lambda: dropped.append("e"))
    assert (answers.bytes_waiting, dropped) == (95, ["a", "b", "d"])
    answers.hold("f", 300, lambda: dropped.append("f"))
    assert (answers.bytes_waiting, dropped) == (300, ["a", "b", "d", "e"])
    answers.read("f")
    answers.read("f")
    assert answers.bytes_waiting == 0


def test_a_case_that_waits_and_is_cancelled_gives_its_place_back_at_once(model: LoadedModel, series: Path) -> None:
    held = HeldModel(model)
    with (
        serving(held, max_waiting=1) as (server, shown),
        open_channel(server.address) as channel,
        sidewall.Client(server.address) as client,
    ):
        stub = analysis_pb2_grpc.AnalysisStub(channel)
        runs = stub.AnalyzeSeries(iter(requests_of(series)), timeout=300)
        assert held.entered.wait(120)
        waits = stub.AnalyzeSeries(iter(requests_of(series)), timeout=300)
        eventually(lambda: shown("sidewall_cases_waiting") == 1)
        with pytest.raises(sidewall.ServerBusy, match="2 cases running or waiting; allowed: 2"):
            client.analyze_series(series)
        waits.cancel()  # type: ignore[no-untyped-call]
        eventually(lambda: shown("sidewall_calls_admitted") == 1)
        assert (shown("sidewall_cases_waiting"), shown("sidewall_cases_running")) == (0, 1)
        third = stub.AnalyzeSeries(iter(requests_of(series)), timeout=300)
        eventually(lambda: shown("sidewall_cases_waiting") == 1)
        held.released.set()
        assert "findings" in {event.WhichOneof("kind") for event in third}
        assert "findings" in {event.WhichOneof("kind") for event in runs}
    assert shown("sidewall_input_held_bytes") == 0


def test_a_caller_may_ping_every_second_with_and_without_a_call(
    model: LoadedModel, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Signs of life would excuse the pings.
    monkeypatch.setattr("runtime.serving.job.SIGN_OF_LIFE_S", 300.0)
    held = HeldModel(model)
    pings = (
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )
    with serving(held) as (server, _), open_channel(server.address, *pings) as channel:
        states: list[grpc.ChannelConnectivity] = []
        channel.subscribe(states.append, try_to_connect=True)
        eventually(lambda: grpc.ChannelConnectivity.READY in states)
        threading.Event().wait(4.5)
        call = analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(requests_of(series)), timeout=300)
        assert held.entered.wait(120)
        threading.Event().wait(4.5)
        held.released.set()
        assert "findings" in {event.WhichOneof("kind") for event in call}
        assert states[states.index(grpc.ChannelConnectivity.READY) :] == [grpc.ChannelConnectivity.READY]


def test_a_caller_hears_a_sign_of_life_while_its_case_waits_and_while_a_fold_runs(
    model: LoadedModel, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.serving.job.SIGN_OF_LIFE_S", 0.05)
    held = HeldModel(model)
    with serving(held) as (server, _), open_channel(server.address) as channel:
        stub = analysis_pb2_grpc.AnalysisStub(channel)
        first, second = (stub.AnalyzeSeries(iter(requests_of(series)), timeout=300) for _ in range(2))
        for call in (first, second):
            steps = [next_event(call).progress for _ in range(40)][-4:]
            assert len({(each.stage, each.done, each.total) for each in steps}) == 1
        held.released.set()
        for call in (first, second):
            assert "findings" in {event.WhichOneof("kind") for event in call}


@contextmanager
def road_to(address: str) -> Iterator[tuple[str, threading.Event]]:
    """Stand between a caller and the server; yield the address to call, and what makes the caller vanish."""
    vanished = threading.Event()
    host, _, port = address.rpartition(":")
    with ExitStack() as open_ones, socket.create_server(("127.0.0.1", 0)) as listener:

        def carry(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):
                while (data := source.recv(1 << 16)) and not vanished.is_set():
                    target.sendall(data)

        def accept() -> None:
            with suppress(OSError):
                caller = open_ones.enter_context(listener.accept()[0])
                server = open_ones.enter_context(socket.create_connection((host, int(port))))
                for pair in ((caller, server), (server, caller)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", vanished


def test_a_caller_that_vanished_without_a_word_is_noticed_and_its_case_is_cancelled(
    model: LoadedModel, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from base import grpc_serving as module

    assert module._KEEPALIVE_MS + module._KEEPALIVE_TIMEOUT_MS < 60_000
    monkeypatch.setattr(module, "_KEEPALIVE_MS", 1000)
    monkeypatch.setattr(module, "_KEEPALIVE_TIMEOUT_MS", 1000)
    held = HeldModel(model)
    with (
        serving(held) as (server, shown),
        road_to(server.address) as (address, vanished),
        open_channel(address) as channel,
    ):
        call = analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(requests_of(series)), timeout=300)
        assert held.entered.wait(120)
        # Longer than gRPC would go on pinging by itself while nothing is sent.
        threading.Event().wait(4)
        assert shown("sidewall_cases_running") == 1
        vanished.set()
        eventually(lambda: shown("sidewall_calls_failed_total", {"code": "cancelled"}) == 1)
        assert shown("sidewall_cases_running") == 0
        call.cancel()  # type: ignore[no-untyped-call]
