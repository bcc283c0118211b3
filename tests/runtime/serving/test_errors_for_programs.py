"""A failure says to programs what its text says to people: google.rpc.Status with ErrorInfo and RetryInfo (AIP-193)."""

from pathlib import Path
from typing import Any

import grpc
import pytest
import sidewall
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from sidewall.transfer import SeriesUpload
from sidewall.v1 import analysis_pb2_grpc

from runtime.bundle.loading import load_bundle
from runtime.inference.model import load_model
from runtime.serving.server import Server
from tests.fixtures.processes import ServerProcess, TinyBundle
from tests.fixtures.proxies import open_channel
from tests.runtime.serving.test_server_limits import LOCAL


def failure_of(address: str, source: Any, options: sidewall.CaseOptions) -> Any:
    """Return how an analysis of `source` fails, as gRPC raises it."""
    with open_channel(address) as channel, pytest.raises(grpc.RpcError) as failed:
        list(analysis_pb2_grpc.AnalysisStub(channel).AnalyzeSeries(iter(SeriesUpload(source, options))))
    return failed.value


def details_of(failure: Any) -> dict[str, Any]:
    """Return the details of a failure by the names of their types, read as every library for this does."""
    status = rpc_status.from_call(failure)
    assert status is not None
    assert (status.code, status.message) == (failure.code().value[0], failure.details())
    found: dict[str, Any] = {}
    for each in status.details:
        kind = each.TypeName().rpartition(".")[2]
        found[kind] = getattr(error_details_pb2, kind)()
        assert each.Unpack(found[kind])
    return found


def test_an_option_that_is_not_allowed_is_named_with_what_is(server: ServerProcess) -> None:
    failure = failure_of(server.address, b"x", sidewall.CaseOptions(case_id="Secret^Name" * 6))
    info = details_of(failure)["ErrorInfo"]
    assert (info.reason, info.domain) == ("SETTING_INVALID", "sidewall.v1")
    assert info.metadata["code"] == "setting_invalid"
    assert info.metadata["field"] == "case_id"
    assert info.metadata["allowed"] == "at most 64 printable characters without a backslash"
    assert len(info.metadata["job"]) == 32
    assert "Secret" not in str(info)


def test_a_refusal_has_the_codes_of_its_reasons(server: ServerProcess) -> None:
    info = details_of(failure_of(server.address, b"no DICOM", sidewall.CaseOptions()))["ErrorInfo"]
    assert (info.reason, info.metadata["reasons"]) == ("REFUSED", "not_dicom")


def test_the_word_of_before_is_there_as_well(server: ServerProcess) -> None:
    trailing: Any = failure_of(server.address, b"x", sidewall.CaseOptions(case_id="x" * 65)).trailing_metadata()
    assert dict(trailing)["sidewall-code"] == "setting_invalid"


def test_the_client_reads_field_and_what_is_allowed_into_its_error(client: sidewall.Client) -> None:
    with pytest.raises(ValueError, match="case_id") as refused:
        client.analyze_series(b"x", options=sidewall.CaseOptions(case_id="x" * 65))
    error = refused.value
    assert isinstance(error, sidewall.OptionInvalid)
    assert (error.code, error.field) == ("setting_invalid", "case_id")
    assert error.allowed == "at most 64 printable characters without a backslash"
    assert error.retry_after_s is None


def test_a_busy_server_says_when_to_come_again(bundle: TinyBundle, series: Path) -> None:
    model = load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)
    with Server(LOCAL) as server, sidewall.Client(server.address) as client:
        server.open(model)
        give_back = server._analyzer.admission.take()
        with pytest.raises(sidewall.ServerBusy, match="allowed: 1") as before:
            client.analyze_series(series)
        give_back()
        client.analyze_series(series)
        give_back = server._analyzer.admission.take()
        with pytest.raises(sidewall.ServerBusy) as after:
            client.analyze_series(series)
        give_back()
    assert before.value.retry_after_s == 10
    assert after.value.retry_after_s is not None
    assert 1 <= after.value.retry_after_s <= 600


def test_an_error_without_details_has_none(client: sidewall.Client) -> None:
    with sidewall.Client("127.0.0.1:1") as nowhere, pytest.raises(sidewall.ServerUnreachable) as error:
        nowhere.analyze_series(b"x", timeout_s=20)
    assert (error.value.field, error.value.allowed, error.value.retry_after_s) == (None, None, None)
