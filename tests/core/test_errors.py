import grpc
import pytest

from base.errors import SettingInvalid, SidewallError
from core.errors import CaseRefused, Reason, RefusalCode


def family(base: type[SidewallError] = SidewallError) -> list[type[SidewallError]]:
    return [base, *(error for child in base.__subclasses__() for error in family(child))]


def test_a_refusal_carries_every_reason_in_order_and_says_them_all() -> None:
    reasons = (Reason(RefusalCode.NOT_T2, "echo time is 63 ms"), Reason(RefusalCode.MISSING_SLICE, "1 missing"))
    refused = CaseRefused(iter(reasons))
    assert refused.reasons == reasons
    assert str(refused) == "not_t2: echo time is 63 ms; missing_slice: 1 missing"


@pytest.mark.parametrize("error", family())
def test_every_error_maps_to_a_grpc_status_and_a_failing_exit(error: type[SidewallError]) -> None:
    assert error.grpc_status in grpc.StatusCode.__members__
    assert 1 <= error.exit_code <= 125


def test_every_error_has_its_own_word() -> None:
    # A private class only carries more about an error of its parent's kind.
    public = [error for error in family() if not error.__name__.startswith("_")]
    assert len({error.code for error in public}) == len(public)


def test_an_invalid_setting_says_name_value_and_what_is_allowed() -> None:
    assert str(SettingInvalid("SIDEWALL_PORT", 0, "1 to 65535")) == "setting SIDEWALL_PORT is 0; allowed: 1 to 65535"
