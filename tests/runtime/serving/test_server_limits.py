"""What the server turns away, and how it says so; in the tests' own process, to hold it in the states that matter."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import sidewall
from prometheus_client import CollectorRegistry
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.bundle.loading import load_bundle
from runtime.inference.model import LoadedModel, load_model
from runtime.serving.metrics import Metrics
from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.processes import TinyBundle
from tests.fixtures.proxies import open_channel

ONE_VOXEL = sidewall.Geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), ((0, 0, 1), (0, 1, 0), (1, 0, 0)), "uint8")
LOCAL = Settings(listen="127.0.0.1:0", max_waiting=0, shutdown_grace_s=0)


@pytest.fixture(scope="module")
def model(bundle: TinyBundle) -> LoadedModel:
    return load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)


@contextmanager
def serving(model: LoadedModel | None, **changes: Any) -> Iterator[str]:
    """Run a server in this process and yield its address."""
    settings = Settings(**{**vars(LOCAL), **changes})
    with Server(settings) as server:
        if model is not None:
            server.open(model)
        yield server.address


class HeldModel(LoadedModel):
    """A model whose segmentation waits until it is let go, or until its caller has gone."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(**vars(model))
        object.__setattr__(self, "entered", threading.Event())
        object.__setattr__(self, "released", threading.Event())

    entered: threading.Event
    released: threading.Event

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None) -> Segmentation:
        """Wait, then segment."""
        self.entered.set()
        while not self.released.wait(0.02):
            monitor.check()
        return super().segment(volume, monitor, rules)


def test_a_full_server_answers_busy_at_once_and_stays_healthy(model: LoadedModel, series: Path) -> None:
    held = HeldModel(model)
    with serving(held) as address, sidewall.Client(address) as client:
        results: list[sidewall.Result] = []
        first = threading.Thread(target=lambda: results.append(client.analyze_series(series)))
        first.start()
        assert held.entered.wait(60)
        with pytest.raises(sidewall.ServerBusy, match="1 case running or waiting; allowed: 1") as error:
            client.analyze_series(series)
        assert error.value.code == "server_busy"
        assert client.is_serving()
        held.released.set()
        first.join(60)
        assert results[0].findings["status"] == "positive"


def test_a_place_is_free_again_after_its_caller_has_gone(model: LoadedModel, series: Path) -> None:
    held = HeldModel(model)
    with serving(held) as address, sidewall.Client(address) as client:
        with pytest.raises(sidewall.DeadlineExceeded):
            client.analyze_series(series, timeout_s=1.0)
        held.released.set()
        for _ in range(200):
            try:
                assert client.analyze_series(series).findings["status"] == "positive"
                return
            except sidewall.ServerBusy:
                threading.Event().wait(0.05)
        pytest.fail("the place of the abandoned call was not given back")


def test_what_is_turned_away_is_counted_by_its_reason(model: LoadedModel, series: Path) -> None:
    metrics = Metrics(CollectorRegistry())
    shown = metrics.registry.get_sample_value
    with Server(LOCAL, metrics) as server, sidewall.Client(server.address) as client:
        with pytest.raises(sidewall.ServerUnreachable):
            client.analyze_series(series)
        server.open(model)
        assert shown("sidewall_serving") == 1
        give_back = server._analyzer.admission.take()
        with pytest.raises(sidewall.ServerBusy):
            client.analyze_series(series)
        give_back()
    assert shown("sidewall_calls_rejected_total", {"reason": "not_ready"}) == 1
    assert shown("sidewall_calls_rejected_total", {"reason": "busy"}) == 1
    assert shown("sidewall_serving") == 0


def test_a_caller_that_goes_is_counted_and_leaves_nothing_running(model: LoadedModel, series: Path) -> None:
    metrics = Metrics(CollectorRegistry())
    shown = metrics.registry.get_sample_value
    with Server(LOCAL, metrics) as server, sidewall.Client(server.address) as client:
        server.open(HeldModel(model))
        with pytest.raises(sidewall.DeadlineExceeded):
            client.analyze_series(series, timeout_s=2.0)
        for _ in range(2400):
            if shown("sidewall_calls_failed_total", {"code": "cancelled"}):
                break
            threading.Event().wait(0.05)
    assert shown("sidewall_calls_failed_total", {"code": "cancelled"}) == 1
    assert (shown("sidewall_cases_running"), shown("sidewall_cases_waiting")) == (0, 0)
    assert shown("sidewall_last_case_timestamp_seconds") == 0


def test_no_call_is_answered_before_the_model_is_there(series: Path) -> None:
    with serving(None) as address, sidewall.Client(address) as client:
        assert not client.is_serving()
        with pytest.raises(sidewall.ServerUnreachable, match="still loading its model"):
            client.analyze_series(series)


def test_an_input_larger_than_the_limit_is_refused(model: LoadedModel) -> None:
    with serving(model, max_input_mib=1) as address, sidewall.Client(address) as client:
        with pytest.raises(sidewall.Refused, match="more than 1048576 bytes; allowed: 1048576") as refusal:
            client.analyze_series(b"x" * (3 << 20))
        assert [reason.code for reason in refusal.value.reasons] == ["too_large"]
        shape = (8, 1024, 1024)
        large = sidewall.Geometry(shape, (1, 1, 1), (0, 0, 0), ONE_VOXEL.direction, "uint8")
        with pytest.raises(sidewall.Refused, match="8388608 bytes of voxels; allowed: 1048576"):
            client.analyze_volume(np.zeros(shape, np.uint8).tobytes(), large)


def test_more_instances_than_the_limit_are_refused(model: LoadedModel) -> None:
    with serving(model, max_instances=3) as address:
        assert refusal_of(address, [start(), *[chunk(b"x")] * 5]) == [
            ("too_large", "more than 3 instances; allowed: 3")
        ]


def test_a_message_larger_than_the_limit_is_refused_with_its_size_and_the_limit(model: LoadedModel) -> None:
    large = chunk(b"x" * (6 << 20))
    with serving(model) as address:
        assert refusal_of(address, [start(), large]) == [
            ("too_large", f"one message of {large.ByteSize()} bytes; allowed: 4194304 (max_message_mib)")
        ]


@pytest.mark.parametrize("mib", [5, 20])
def test_options_that_are_too_large_are_never_called_busy(mib: int, model: LoadedModel, series: Path) -> None:
    # Up to 16 MiB the server itself answers, beyond that gRPC does.
    options = sidewall.CaseOptions(earlier_report=bytes(mib << 20))
    words = rf"one message of {(mib << 20) // 1000}\d\d\d bytes; .* (4194304|16777216)"
    with serving(model) as address, sidewall.Client(address) as client:
        with pytest.raises(sidewall.Refused, match=words) as refusal:
            client.analyze_series(series, options=options)
        assert [reason.code for reason in refusal.value.reasons] == ["too_large"]
        assert client.analyze_series(series).findings["status"] == "positive"


def test_a_stalled_transfer_is_refused_and_its_place_is_free_again(model: LoadedModel) -> None:
    never = threading.Event()

    def stalled() -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
        yield start()
        never.wait(60)

    for limit, words in (
        ({"transfer_timeout_s": 0.5}, "the input was not complete after 0.5 s"),
        ({"transfer_idle_s": 0.5}, "nothing came for 0.5 s"),
    ):
        with serving(model, max_transfers=1, **limit) as address:
            for _ in range(2):
                assert refusal_of(address, stalled()) == [("incomplete_transfer", words)]
    never.set()


def test_a_server_that_stops_hands_a_stalled_transfer_back_at_once(model: LoadedModel) -> None:
    never, accepted = threading.Event(), threading.Event()

    def stalled() -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
        yield start()
        never.wait(60)

    def listen(address: str) -> None:
        for _ in call(address, stalled()):
            accepted.set()

    with ThreadPoolExecutor(1) as caller:
        with serving(model, shutdown_grace_s=6.0) as address:
            told = caller.submit(listen, address)
            assert accepted.wait(60)
        error = told.exception(60)
        never.set()
    assert isinstance(error, grpc.RpcError)
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    assert error.details() == "the server is stopping and hands the case back: send it again"
    assert "server_unreachable" in str(error.trailing_metadata())


def start(count: int | None = None, **options: str) -> analysis_pb2.AnalyzeSeriesRequest:
    """Return the first message of a call."""
    part = analysis_pb2.SeriesStart(options=analysis_pb2.CaseOptions(**options), instance_count=count)  # type: ignore[arg-type]
    return analysis_pb2.AnalyzeSeriesRequest(start=part)


def chunk(data: bytes, last: bool = True) -> analysis_pb2.AnalyzeSeriesRequest:
    """Return one part of an instance."""
    return analysis_pb2.AnalyzeSeriesRequest(instance=analysis_pb2.InstanceChunk(data=data, last=last))


def call(
    address: str, requests: Iterator[analysis_pb2.AnalyzeSeriesRequest] | list[analysis_pb2.AnalyzeSeriesRequest]
) -> Iterator[analysis_pb2.Event]:
    """Make a call without the client's help."""
    with open_channel(address) as channel:
        yield from analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(requests), timeout=60)


def refusal_of(
    address: str, requests: Iterator[analysis_pb2.AnalyzeSeriesRequest] | list[analysis_pb2.AnalyzeSeriesRequest]
) -> list[tuple[str, str]]:
    """Return the reasons with which a call is refused; also checks its status."""
    events: list[analysis_pb2.Event] = []
    with pytest.raises(grpc.RpcError) as error:
        events.extend(call(address, requests))
    status: Any = error.value
    assert status.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert ("sidewall-code", "refused") in [(entry[0], entry[1]) for entry in status.trailing_metadata()]
    return [(reason.code, reason.message) for event in events for reason in event.refusal.reasons]


def test_breaks_of_the_contract_are_refused_and_say_what_is_allowed(model: LoadedModel) -> None:
    breaks = {
        "the first message must be `start`": [chunk(b"x")],
        "after `start` every message must be `instance`": [start(), start()],
        "the stream ended in the middle of an instance": [start(), chunk(b"x", last=False)],
        "1 instance came, 2 announced": [start(2), chunk(b"x")],
    }
    with serving(model) as address:
        assert refusal_of(address, []) == [("incomplete_transfer", "the first message must be `start`")]
        for message, requests in breaks.items():
            assert refusal_of(address, requests) == [("incomplete_transfer", message)]


def test_the_client_passes_on_that_an_option_is_not_allowed(model: LoadedModel) -> None:
    options = sidewall.CaseOptions(case_id="x" * 65)
    allowed = "allowed: at most 64 printable characters"
    with (
        serving(model) as address,
        sidewall.Client(address) as client,
        pytest.raises(sidewall.SidewallClientError, match=allowed) as error,
    ):
        client.analyze_volume(b"\0", ONE_VOXEL, options=options)
    assert error.value.code == "setting_invalid"


@pytest.mark.parametrize("case_id", ["x" * 65, "two\nlines", "back\\slash"])
def test_a_name_that_does_not_fit_dicom_is_an_invalid_setting(case_id: str, model: LoadedModel) -> None:
    with serving(model) as address, pytest.raises(grpc.RpcError) as error:
        list(call(address, [start(case_id=case_id)]))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    details = error.value.details() or ""
    assert "at most 64 printable characters" in details
    assert case_id not in details


def test_an_unexpected_error_shows_no_text_and_the_server_goes_on(
    model: LoadedModel, series: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class BrokenModel(LoadedModel):
        def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None) -> Segmentation:
            raise ZeroDivisionError("MILLER^ANNA")

    with serving(BrokenModel(**vars(model))) as address, sidewall.Client(address) as client:
        with pytest.raises(sidewall.ServerFault, match=r"internal error; the log has it under job [0-9a-f]{32}"):
            client.analyze_series(series)
        assert client.is_serving()
    output = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in output
    assert "MILLER" not in output


def test_tls_lets_in_clients_with_a_certificate_and_nobody_else(model: LoadedModel, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": certificate}
    with serving(model, listen="localhost:0", **tls) as address:
        known = sidewall.TlsOptions(certificate, certificate, key)
        strangers = (None, sidewall.TlsOptions(certificate))
        with sidewall.Client(address, tls=known) as client:
            assert client.is_serving()
        for tls_options in strangers:
            with sidewall.Client(address, tls=tls_options) as client:
                assert not client.is_serving(timeout_s=2.0)
