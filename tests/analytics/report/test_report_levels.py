from pathlib import Path

import pytest

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Figure, Text
from analytics.report.sections.levels import levels_section
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
raters:
  - name: truth
    role: reference
    table: r.csv
    id: id
    status: {column: s}
    nodes: {table: n.csv, where: {rater: truth}, id: id, side: side, station: station, status: {column: s},
            short_axis_mm: mm}
  - name: model
    role: model
    table: r.csv
    id: id
    status: {column: s}
    nodes: {table: n.csv, where: {rater: model}, id: id, side: side, station: station, status: {column: s},
            short_axis_mm: mm, probability: p}
regions: {OB: obturator, II: internal iliac}
"""
NODES = """id,rater,side,station,s,mm,p
a,truth,L,OB,positive,9,
a,model,left,OB,positive,9,0.9
b,truth,R,II,positive,8,
b,model,R,OB,positive,8,0.7
c,truth,L,II,negative,3,
c,model,L,II,negative,3,0.2
d,model,X,II,negative,3,0.1
e,model,L,II,negative,3,0.1
"""


@pytest.fixture
def data(tmp_path: Path) -> StudyData:
    (tmp_path / "p.csv").write_text("id\na\nb\nc\nd\n", encoding="utf-8")
    (tmp_path / "r.csv").write_text("id,s\na,positive\nb,positive\nc,negative\nd,negative\n", encoding="utf-8")
    (tmp_path / "n.csv").write_text(NODES, encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return load_data(load_study(tmp_path / "study.yaml"))


def test_side_station_and_node_are_counted_apart(data: StudyData) -> None:
    section = levels_section(data)
    assert section is not None
    counts = {
        number.key: (number.value.count, number.value.n)
        for number in section.numbers
        if isinstance(number.value, Estimate)
    }
    # The model has the right side of b and the wrong station: 8 sides, 16 stations.
    assert counts["levels.model.side.sensitivity"] == (2, 2)
    assert counts["levels.model.side.specificity"] == (6, 6)
    assert counts["levels.model.station.sensitivity"] == (1, 2)
    assert counts["levels.model.station.specificity"] == (13, 14)
    assert counts["levels.model.internal iliac.sensitivity"] == (0, 1)
    assert counts["levels.model.node.sensitivity"] == (1, 2)
    assert counts["levels.model.node.specificity"] == (1, 2)
    assert counts["nodes.model.false_per_case"] == (1, 4)
    figures = {block.key for block in section.blocks if isinstance(block, Figure)}
    assert figures == {"levels", "scores-model", "calibration-nodes-model", "froc-model", "node-subgroups-model"}


def test_a_side_that_is_none_and_a_node_of_nobody_are_told(data: StudyData) -> None:
    problems = {(each.row, each.column, each.got) for each in data.problems}
    assert problems == {(8, "side", "'X'"), (9, "id", "no match")}


def test_without_the_reference_s_nodes_the_section_says_so(tmp_path: Path, data: StudyData) -> None:
    start, end = STUDY.index("    nodes:"), STUDY.index("  - name: model")
    (tmp_path / "study.yaml").write_text(STUDY[:start] + STUDY[end:], encoding="utf-8")
    section = levels_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    assert section.blocks == (Text("Not computed: the reference has no table of nodes (`nodes` in the study file)."),)


def test_the_correlation_of_sizes_of_matched_nodes_resamples_patients(data: StudyData, tmp_path: Path) -> None:
    more = "d,truth,L,OB,positive,7,\nd,model,L,OB,positive,6.5,0.8\n"
    more += "d,truth,R,OB,positive,5,\nd,model,R,OB,positive,5,0.8\n"
    (tmp_path / "n.csv").write_text(NODES + more, encoding="utf-8")
    section = levels_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    found = {number.key: number.value for number in section.numbers}["nodes.model.short_axis.icc"]
    # Of 9 and 9, 3 and 3, 6.5 and 7, 5 and 5 mm.
    assert (found.n, found.method) == (4, "ICC2 of these readers, percentile bootstrap by patient, 2000 resamples")


def test_the_order_of_the_rows_of_nodes_does_not_matter(tmp_path: Path, data: StudyData) -> None:
    first = levels_section(data)
    header, *lines = NODES.splitlines()
    (tmp_path / "n.csv").write_text("\n".join([header, *reversed(lines)]) + "\n", encoding="utf-8")
    second = levels_section(load_data(load_study(tmp_path / "study.yaml")))
    assert first is not None
    assert second is not None
    assert [(each.key, repr(each.value)) for each in first.numbers] == [
        (each.key, repr(each.value)) for each in second.numbers
    ]


READER = """  - name: R1
    role: reader
    table: r.csv
    id: id
    status: {column: s}
    nodes: {table: n.csv, where: {rater: R1}, id: id, side: side, station: station, status: {column: s},
            short_axis_mm: mm}
regions:"""
OF_READER = """a,R1,L,OB,negative,9,
b,R1,R,II,positive,8,
d,R1,L,OB,positive,7,
"""


def test_model_and_reader_are_compared_on_the_same_sides_stations_and_nodes(tmp_path: Path, data: StudyData) -> None:
    (tmp_path / "n.csv").write_text(NODES + OF_READER, encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY.replace("regions:", READER), encoding="utf-8")
    section = levels_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    found = {number.key: number.value for number in section.numbers}
    differences = {
        key.removeprefix("levels.model-R1."): (value.value, value.n)
        for key, value in found.items()
        if key.startswith("levels.model-R1.") and isinstance(value, Estimate)
    }
    # Sides: the model has both right, the reader that of b alone. Stations: each has one of two, the reader's other
    # mistake is in d, the model's in b. Nodes: the model has a's, the reader b's.
    assert differences == {
        "side.accuracy": (pytest.approx(2 / 8), 8),
        "side.sensitivity": (pytest.approx(1 / 2), 2),
        "side.specificity": (pytest.approx(1 / 6), 6),
        "station.accuracy": (0.0, 16),
        "station.sensitivity": (0.0, 2),
        "station.specificity": (0.0, 14),
        "node.sensitivity": (0.0, 2),
        "node.specificity": (0.0, 1),
        "false_per_case": (0.0, 4),
    }
    # a and d differ by one side each, both in favour of the model: 2 of 4 choices of signs.
    test = found["levels.model-R1.side.accuracy.test"]
    assert isinstance(test, HypothesisTest)
    assert test.p_value == 0.5


def test_areas_by_side_and_station_score_a_region_as_its_most_suspicious_node(data: StudyData) -> None:
    section = levels_section(data)
    assert section is not None
    found = {number.key: number.value for number in section.numbers if isinstance(number.value, Estimate)}
    # Both positive sides score above every other, the station of b has no node of the model and ties with 12 others:
    # 1 pair in 2 is that of a, over all 14; b's loses to 2 and ties with 12.
    assert found["levels.model.side.auc"].value == 1.0
    assert found["levels.model.station.auc"].value == pytest.approx((14 + 12 / 2) / 28)
    # Nodes: a's 0.9 and b's, which was not found, against c's 0.2, b's 0.7 elsewhere and d's without a side, 0.1.
    assert found["levels.model.node.auc"].value == pytest.approx(3 / 6)
