from pathlib import Path

import pytest

from analytics.estimate import Estimate
from analytics.report.sections.agreement import agreement_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study

NODES = "nodes: {table: n.csv, where: {rater: %s}, id: id, side: side, station: station, status: {column: s}}"
RATER = "  - {name: %s, role: %s, table: r.csv, where: {rater: %s}, id: id, status: {column: s}, region: region,"
STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
raters:
%s
regions: {OB: obturator, II: internal iliac}
analysis: {size_bands_mm: [5, 7, 10]}
"""
# Status, region and size by each of three raters of six patients; 0 mm where no node was named.
READINGS = {
    "model": [("p", "OB", 9), ("p", "II", 8), ("n", "OB", 4), ("n", "II", 0), ("n", "OB", 6), ("p", "II", 11)],
    "R1": [("p", "OB", 9), ("n", "II", 6), ("n", "OB", 4), ("n", "II", 3), ("n", "OB", 6), ("p", "II", 12)],
    "R2": [("p", "OB", 8), ("p", "OB", 9), ("n", "OB", 4), ("n", "II", 5), ("n", "II", 4), ("p", "II", 11)],
}


@pytest.fixture
def numbers(tmp_path: Path) -> dict[str, Estimate]:
    words = {"p": "positive", "n": "negative"}
    judged, nodes, raters = ["id,rater,s,region,mm"], ["id,rater,side,station,s"], []
    for name, readings in READINGS.items():
        role = "model" if name == "model" else "reader"
        raters.append(f"{RATER % (name, role, name)} short_axis_mm: mm, {NODES % name}}}")
        for patient, (status, region, size) in zip("abcdef", readings, strict=True):
            judged.append(f"{patient},{name},{words[status]},{region},{size}")
            nodes.append(f"{patient},{name},L,{region},{words[status]}")
    (tmp_path / "p.csv").write_text("id\n" + "\n".join("abcdef") + "\n", encoding="utf-8")
    (tmp_path / "r.csv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    (tmp_path / "n.csv").write_text("\n".join(nodes) + "\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY % "\n".join(raters), encoding="utf-8")
    section = agreement_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    assert len({number.key for number in section.numbers}) == len(section.numbers)
    return {number.key: number.value for number in section.numbers if isinstance(number.value, Estimate)}


def test_kappas_of_status_region_and_stations_are_those_by_hand(numbers: dict[str, Estimate]) -> None:
    # R1 and R2 agree on 5 of 6 statuses; by chance on 1/3 x 1/2 + 2/3 x 1/2.
    assert numbers["agreement.R1-R2.kappa"].value == pytest.approx((5 / 6 - 1 / 2) / (1 / 2))
    # On 4 of 6 regions, each with half of either.
    assert numbers["agreement.region.R1-R2.kappa"].value == pytest.approx((4 / 6 - 1 / 2) / (1 / 2))
    # 24 stations: R1 calls 2 positive, R2 3, both 2.
    chance = (2 * 3 + 22 * 21) / 24**2
    assert numbers["agreement.station.R1-R2.kappa"].value == pytest.approx((23 / 24 - chance) / (1 - chance))
    assert numbers["agreement.station.R1-R2.kappa"].n == 24
    assert "by patient" in numbers["agreement.station.human_model"].method


def test_bands_of_size_have_weighted_coefficients_and_a_patient_without_a_node_none(
    numbers: dict[str, Estimate],
) -> None:
    # The model named no node in d.
    assert numbers["agreement.size.model-R1.quadratic_kappa"].n == 5
    assert numbers["agreement.size.R1-R2.kappa"].n == 6
    # Bands of R1 2 1 0 0 1 3 and of R2 2 2 0 1 0 3: three agree, three are one step of three apart.
    weights = {"kappa": 3 / 6, "linear_kappa": (3 + 3 * 2 / 3) / 6, "quadratic_kappa": (3 + 3 * 8 / 9) / 6}
    pairs = [(a, b) for a in (2, 1, 0, 0, 1, 3) for b in (2, 2, 0, 1, 0, 3)]
    by_chance = {
        "kappa": sum(a == b for a, b in pairs) / 36,
        "linear_kappa": sum(1 - abs(a - b) / 3 for a, b in pairs) / 36,
        "quadratic_kappa": sum(1 - (a - b) ** 2 / 9 for a, b in pairs) / 36,
    }
    for name, observed in weights.items():
        expected = (observed - by_chance[name]) / (1 - by_chance[name])
        assert numbers[f"agreement.size.R1-R2.{name}"].value == pytest.approx(expected), name
    assert numbers["agreement.size.readers.gwet_ac2"].method.startswith("Gwet's AC2, quadratic weights")
    assert "ordinal" in numbers["agreement.size.readers.krippendorff_alpha"].method


def test_millimetres_are_compared_where_everybody_measured_a_node(numbers: dict[str, Estimate]) -> None:
    assert numbers["agreement.short_axis.icc"].n == 5
    # 0, 2, 0, 0 and -1 mm; the 3 mm of d, where the model named none, would be another story.
    assert numbers["agreement.short_axis.model-R1.bias"].value == pytest.approx(1 / 5)


def test_readers_among_themselves_and_with_the_model_are_compared_with_an_interval(
    numbers: dict[str, Estimate],
) -> None:
    for prefix in ("agreement", "agreement.region", "agreement.size", "agreement.station"):
        human, model = numbers[f"{prefix}.human_human"], numbers[f"{prefix}.human_model"]
        difference = numbers[f"{prefix}.difference"]
        assert difference.value == pytest.approx(model.value - human.value)
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low <= difference.value <= difference.high
