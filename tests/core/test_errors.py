from importlib import import_module

import grpc
import pytest

from base.errors import AddressUnavailable, DiskFull, ServerBusy, SettingInvalid, SidewallError, entry_of
from base.exit_status import EXIT_STATUSES, exit_status
from core.errors import AnalysisCancelled, CaseRefused, Reason, RefusalCode
from runtime.errors import ResultIncomplete
from runtime.inference.errors import DeviceAbsent
from runtime.serving.statuses import GRPC_STATUSES
from trust.errors import BundleRejected, RegistryFailed


def family(base: type[SidewallError] = SidewallError) -> list[type[SidewallError]]:
    return [base, *(error for child in base.__subclasses__() for error in family(child))]


def test_a_refusal_carries_every_reason_in_order_and_says_them_all() -> None:
    reasons = (Reason(RefusalCode.NOT_T2, "echo time is 63 ms"), Reason(RefusalCode.MISSING_SLICE, "1 missing"))
    refused = CaseRefused(iter(reasons))
    assert refused.reasons == reasons
    assert str(refused) == "not_t2: echo time is 63 ms; missing_slice: 1 missing"


@pytest.mark.parametrize("error", family())
def test_every_error_ends_a_process_and_a_call_as_a_failure(error: type[SidewallError]) -> None:
    assert 1 <= exit_status(error) <= 125
    assert entry_of(error, GRPC_STATUSES) is not grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("error", "status", "wire"),
    [
        (SidewallError, 1, "INTERNAL"),
        (SettingInvalid, 2, "INVALID_ARGUMENT"),
        (AddressUnavailable, 9, "INVALID_ARGUMENT"),
        (CaseRefused, 3, "INVALID_ARGUMENT"),
        (BundleRejected, 4, "FAILED_PRECONDITION"),
        (DeviceAbsent, 11, "FAILED_PRECONDITION"),
        (RegistryFailed, 5, "UNAVAILABLE"),
        (ServerBusy, 5, "RESOURCE_EXHAUSTED"),
        (AnalysisCancelled, 6, "CANCELLED"),
        (DiskFull, 8, "UNAVAILABLE"),
        (ResultIncomplete, 12, "INTERNAL"),
    ],
)
def test_statuses_are_those_of_the_manual_and_of_the_wire(error: type[SidewallError], status: int, wire: str) -> None:
    assert exit_status(error) == status
    assert entry_of(error, GRPC_STATUSES).name == wire


def test_the_tables_hold_codes_of_errors_alone() -> None:
    for room in (
        "fleet.errors",
        "gateway.errors",
        "training.intake.faults",
        "training.lineage.comparing",
        "training.lineage.proving",
        "training.locking",
    ):
        import_module(room)
    codes = {error.code for error in family()}
    assert set(EXIT_STATUSES) <= codes
    assert set(GRPC_STATUSES) <= codes


def test_every_error_has_its_own_word() -> None:
    # A class without a word of its own only groups others, or carries more about an error of its parent's kind.
    codes = [error.code for error in family() if "code" in vars(error)]
    assert len(set(codes)) == len(codes)


def test_an_invalid_setting_says_name_value_and_what_is_allowed() -> None:
    assert str(SettingInvalid("SIDEWALL_PORT", 0, "1 to 65535")) == "setting SIDEWALL_PORT is 0; allowed: 1 to 65535"
