"""What is said of studies as text is said as numbers and timestamps, too, and no state is missing there."""

from enum import StrEnum
from typing import Any

import pytest
from sidewall.v1 import analysis_pb2, studies_pb2

from gateway.calls.changes import Change
from gateway.calls.messages import change_message, study_message
from gateway.ledger.history import Entry
from gateway.ledger.states import DeliveryState, StudyState

SHOWN: dict[str, Any] = {
    "id": 7,
    "study_uid": "1.2.3",
    "revision": 2,
    "state": "delivering",
    "since": "2026-11-23T12:34:56+00:00",
    "reason": "",
    "priority": "urgent",
    "analysed_at": "2026-11-23T13:34:56+01:00",
    "deliveries": [{"destination": "pacs", "object": "report.dcm", "state": "confirmed", "sends": 1, "reason": ""}],
    "history": [{"at": "2026-11-23T12:34:56+00:00", "state": "answered", "reason": ""}],
    "fetches": [{"at": "2026-11-23T12:40:00+00:00", "state": "fetched", "reason": "by ris"}],
}


@pytest.mark.parametrize(
    ("words", "enum"), [(StudyState, studies_pb2.StudyState), (DeliveryState, studies_pb2.DeliveryState)]
)
def test_every_state_has_its_number_and_no_other_has_one(words: type[StrEnum], enum: Any) -> None:
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    assert {name for name, number in enum.items() if number} == {f"{prefix}{each.upper()}" for each in words}


def test_states_priority_and_times_of_a_study_stand_as_numbers_too() -> None:
    study = study_message(SHOWN)
    assert (study.state_code, study.priority_code) == (
        studies_pb2.STUDY_STATE_DELIVERING,
        analysis_pb2.PRIORITY_URGENT,
    )
    assert study.deliveries[0].state_code == studies_pb2.DELIVERY_STATE_CONFIRMED
    assert study.history[0].state_code == studies_pb2.STUDY_STATE_ANSWERED
    assert study.fetches[0].state_code == studies_pb2.STUDY_STATE_UNSPECIFIED
    assert study.since_time.ToJsonString() == "2026-11-23T12:34:56Z"
    assert study.analysed_time.ToJsonString() == "2026-11-23T12:34:56Z"
    assert study.fetches[0].time.ToJsonString() == "2026-11-23T12:40:00Z"


def test_a_study_that_was_not_analysed_has_no_time_of_it() -> None:
    assert not study_message({**SHOWN, "analysed_at": ""}).HasField("analysed_time")


def test_a_change_says_both_states_and_its_time_as_numbers_too() -> None:
    entry = Entry(5, 1_800_000_000.0, "study:7", "", "receiving", "")
    change = change_message(Change(entry, "ab" * 32, 7, "1.2.3", 1))
    assert (change.was_code, change.state_code) == (
        studies_pb2.STUDY_STATE_UNSPECIFIED,
        studies_pb2.STUDY_STATE_RECEIVING,
    )
    assert change.time.seconds == 1_800_000_000
