from pathlib import Path

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Figure, Table
from analytics.report.sections.subgroups import subgroups_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
covariates:
  - {name: hospital, label: Hospital, kind: category, levels: {S: south, N: north}}
raters:
  - {name: truth, role: reference, table: r.csv, id: id, status: {column: truth}, short_axis_mm: mm}
  - {name: model, role: model, table: r.csv, id: id, status: {column: model}}
cutoff_mm: 7
analysis: {subgroups: [hospital, short_axis]}
"""
# South: 3 of 4 positives found; north: 1 of 2, and one of two negatives called positive. The last has no hospital.
ROWS = (
    ("S", "positive", "positive", 9), ("S", "positive", "positive", 8), ("S", "positive", "positive", 6),
    ("S", "positive", "negative", 5), ("S", "negative", "negative", 4), ("N", "positive", "positive", 9),
    ("N", "positive", "negative", 6), ("N", "negative", "positive", 8), ("N", "negative", "negative", 3),
    ("", "negative", "negative", 3),
)  # fmt: skip


def test_sensitivity_and_specificity_of_each_subgroup_are_counted_by_hand(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "id,hospital\n" + "".join(f"{index},{row[0]}\n" for index, row in enumerate(ROWS)), encoding="utf-8"
    )
    lines = [f"{index},{row[1]},{row[2]},{row[3]}\n" for index, row in enumerate(ROWS)]
    (tmp_path / "r.csv").write_text("id,truth,model,mm\n" + "".join(lines), encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    section = subgroups_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    values = {number.key: number.value for number in section.numbers}
    counts = {key: (value.count, value.n) for key, value in values.items() if isinstance(value, Estimate)}
    assert counts == {
        "subgroups.sensitivity": (4, 6),
        "subgroups.sensitivity.hospital.south": (3, 4),
        "subgroups.sensitivity.hospital.north": (1, 2),
        "subgroups.sensitivity.short_axis.< 7 mm": (1, 3),
        "subgroups.sensitivity.short_axis.≥ 7 mm": (3, 3),
        "subgroups.specificity": (3, 4),
        "subgroups.specificity.hospital.south": (1, 1),
        "subgroups.specificity.hospital.north": (1, 2),
        "subgroups.specificity.short_axis.< 7 mm": (3, 3),
        "subgroups.specificity.short_axis.≥ 7 mm": (0, 1),
    }
    assert isinstance(values["subgroups.sensitivity.hospital.test"], HypothesisTest)
    drawn = next(block for block in section.blocks if isinstance(block, Figure))
    assert "Hospital" not in drawn.alternative
    assert "south, sensitivity 75.0 %" in drawn.alternative
    note = "Patients; p-values are not corrected for the number of subgroups. Without a subgroup: hospital 1."
    assert [block.note for block in section.blocks if isinstance(block, Table)] == [note]
