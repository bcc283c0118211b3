"""Findings keep every field and word between JSON and the wire."""

import dataclasses
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from sidewall import vocabulary
from sidewall.convert import _SAID_AGAIN, enum_word, findings_to_dict, findings_to_message
from sidewall.v1 import findings_pb2

from core import findings as words
from core import labels
from core.findings import Findings
from core.findings_json import to_mapping
from core.rules import CaseRules

POINT = (1.5, -2.5, 3.25)


def full_findings() -> Findings:
    """Return findings in which every field has a value."""
    line = (POINT, (4.0, 5.0, 6.0))
    node = words.Node(
        id=1,
        side="left",
        station="obturator",
        short_axis_mm=7.5,
        long_axis_mm=9.25,
        volume_mm3=200.5,
        centroid_lps_mm=POINT,
        status="positive",
        status_by_rule="positive",
        status_by_model="negative",
        probability=0.25,
        mean_posterior=0.75,
        short_axis_interval_mm=(7.0, 8.0),
        axis_endpoints_lps_mm={"short": line, "long": line},
        station_probabilities={"obturator": 0.75, "internal_iliac": 0.25},
        regional=True,
        features=words.NodeFeatures(
            irregular_border=True, heterogeneous_signal=False, border_irregularity=0.125, signal_heterogeneity=0.0625
        ),
        tracking_uid="1.2.3.4",
        long_axis_interval_mm=(9.0, 9.5),
        volume_interval_mm3=(180.5, 220.25),
        probability_interval=(0.125, 0.375),
        long_axis_3d_mm=10.5,
        short_axis_3d_mm=7.25,
        conglomerate=True,
        cut_by_image=False,
        prior=words.PriorNode(2, 6.5, 1.0, (0.25, 1.75), 3.5, True, 150.5, True),
        cutoff_mm=6.0,
        status_by_label="positive",
    )
    return Findings(
        schema_version=words.SCHEMA_VERSION,
        software_version="0.1.0",
        case=words.CaseIdentity(
            "case 7",
            "1.2.3",
            "1.2.3.5",
            "1.2.3.6",
            "2026-11-23",
            words.PatientHashes("01234567", "ab" * 16, "cd" * 16, "ef" * 16),
        ),
        status="positive",
        probability=0.25,
        assessed=(words.StationAssessment("left", "obturator", False, 12.5, "not in the images", POINT),),
        context=words.CaseContext("restaging", "case 6"),
        nodes=(node,),
        gates=(words.Gate("midline", "warn", "off", 0.5, 0.75),),
        rules=dataclasses.asdict(CaseRules(restaging_applied=True)),
        warnings=("one", "two"),
        refusal=(words.RefusalReason("missing_slice", "a gap"),),
        input=words.InputDescription(
            source="dicom",
            instance_count=36,
            shape_zyx=(36, 320, 384),
            spacing_mm_zyx=(3.5, 0.5, 0.5),
            origin_lps_mm=POINT,
            direction=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
            is_phantom=True,
            manufacturer="Maker",
            model_name="Scanner",
            field_strength_t=1.5,
            label_map_sha256="ab" * 32,
        ),
        model=words.ModelDescription("demo", "1.0.0", "sha256:00", "phantom", "openvino-cpu", "exact", 5),
        timings_s={"read": 0.5, "segment": 12.5},
        analysed_at="2026-11-23T12:34:56.789000+00:00",
        comparison=words.Comparison(
            prior_case_id="case 6",
            prior_time_point="baseline",
            landmark_count=4,
            shift_lps_mm=POINT,
            vanished=(words.VanishedNode(1, "right", "internal_iliac", 5.5, "borderline", POINT),),
            prior_study_instance_uid="1.2.2",
            prior_study_date="2026-09-01",
            interval_days=83,
            between_methods=("another bundle",),
            limit_of_agreement_mm=3.25,
            turn_deg=-4.5,
            pivot_lps_mm=POINT,
        ),
    )


def empty_findings() -> Findings:
    """Return findings in which everything that may be null or empty is so."""
    full = full_findings()
    node = dataclasses.replace(
        full.nodes[0],
        station=None,
        status_by_model=None,
        probability=None,
        mean_posterior=None,
        short_axis_interval_mm=None,
        axis_endpoints_lps_mm={},
        station_probabilities={},
        regional=None,
        features=words.NodeFeatures(),
        long_axis_interval_mm=None,
        volume_interval_mm3=None,
        probability_interval=None,
        long_axis_3d_mm=None,
        short_axis_3d_mm=None,
        conglomerate=None,
        cut_by_image=None,
        cutoff_mm=None,
        status_by_label=None,
    )
    return dataclasses.replace(
        full,
        case=words.CaseIdentity("case 7", None, None, None),
        probability=None,
        assessed=(dataclasses.replace(full.assessed[0], reason=None),),
        context=words.CaseContext(),
        nodes=(node,),
        gates=(words.Gate("midline", "pass", ""),),
        rules=None,
        warnings=(),
        refusal=(),
        input=words.InputDescription("volume", 0, None, None, None, None, False, None, None, None),
        model=None,
        timings_s={},
    )


def over_the_wire(mapping: dict[str, Any]) -> dict[str, Any]:
    message = findings_to_message(mapping)
    return findings_to_dict(findings_pb2.Findings.FromString(message.SerializeToString()))


@pytest.mark.parametrize("make", [full_findings, empty_findings])
def test_findings_come_back_unchanged(make: Callable[[], Findings]) -> None:
    mapping = to_mapping(make())
    assert over_the_wire(mapping) == mapping


def test_every_message_has_the_fields_of_its_dataclass_and_no_other() -> None:
    compared = 0
    for name, message in findings_pb2.DESCRIPTOR.message_types_by_name.items():
        kind = getattr(words, name, None)
        if dataclasses.is_dataclass(kind):
            assert _names(message) == [each.name for each in dataclasses.fields(kind)], name
            compared += 1
    assert compared == 14


@pytest.mark.parametrize(
    ("enum", "literal"),
    [
        (findings_pb2.CaseStatus, vocabulary.CaseStatus),
        (findings_pb2.NodeStatus, vocabulary.NodeStatus),
        (findings_pb2.TimePoint, words.TimePoint),
        (findings_pb2.Side, labels.Side),
        (findings_pb2.Station, labels.Station),
    ],
)
def test_every_enum_has_the_words_of_its_literal_and_no_other(enum: Any, literal: Any) -> None:
    assert {enum_word(enum.DESCRIPTOR, number) for number in enum.values() if number} == set(literal.__args__)


def test_what_stands_as_text_stands_as_enums_and_timestamps_too() -> None:
    message = findings_to_message(to_mapping(full_findings()))
    node = message.nodes[0]
    assert (node.axes.short, node.axes.long) == (
        node.axis_endpoints_lps_mm["short"],
        node.axis_endpoints_lps_mm["long"],
    )
    assert [(each.station, each.share) for each in node.station_shares] == [
        (findings_pb2.STATION_OBTURATOR, 0.75),
        (findings_pb2.STATION_INTERNAL_ILIAC, 0.25),
    ]
    assert message.analysed_time.ToDatetime(UTC).isoformat() == message.analysed_at


def test_what_is_not_known_is_not_said_again_either() -> None:
    message = findings_to_message(to_mapping(dataclasses.replace(empty_findings(), analysed_at=None)))
    assert not message.HasField("analysed_time")
    assert not message.nodes[0].HasField("axes")
    assert not message.nodes[0].station_shares


def test_a_field_that_says_something_again_is_no_field_of_the_json() -> None:
    with pytest.raises(ValueError, match="Findings has no field analysed_time"):
        findings_to_message({"analysed_time": "2026-11-23T12:34:56Z"})


def test_an_unknown_field_is_an_error_and_not_dropped() -> None:
    with pytest.raises(ValueError, match="Findings has no field colour"):
        findings_to_message({"colour": "red"})


def test_an_unknown_word_is_an_error_and_not_dropped() -> None:
    with pytest.raises(ValueError, match="CaseStatus has no word 'perhaps'"):
        findings_to_message({"status": "perhaps"})


def test_a_word_of_a_newer_contract_is_shown_as_unrecognised() -> None:
    message = findings_pb2.Findings.FromString(bytes([0x20, 99]))
    assert findings_to_dict(message)["status"] == "unrecognised"


def test_a_point_of_two_numbers_is_an_error() -> None:
    with pytest.raises(ValueError, match="PointLpsMm needs 3 values"):
        findings_to_message({"input": {"origin_lps_mm": [1.0, 2.0]}})


def _names(message: Descriptor) -> list[str]:
    return [field.name for field in message.fields if field.full_name not in _SAID_AGAIN]
