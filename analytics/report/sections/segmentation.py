"""Overlap of label maps, structure by structure, by patient."""

from collections.abc import Callable
from pathlib import Path

from analytics.report.blocks import Number, Section, Text
from analytics.report.wording import numbers_table
from analytics.segmentation.label_map import check_same_grid, read_label_map
from analytics.segmentation.overlap import MaskAgreement, compare_label_maps, summarise
from analytics.study.data import StudyData
from analytics.study.spec import LabelMaps

TOLERANCE_MM = 1.0
"""Distance within which surfaces count as the same."""


def segmentation_section(data: StudyData, advance: Callable[[], None]) -> Section | None:
    """Return mean Dice, surface Dice and 95 % Hausdorff distance of each structure over the cases of both folders."""
    maps = data.study.label_maps
    if maps is None:
        return None
    found, refused = compare_folders(maps, advance)
    numbers: list[Number] = []
    measures = (("dice", "Dice", ""), ("surface_dice", "surface Dice", ""), ("hd95_mm", "Hausdorff 95 %", "mm"))
    for _, structure in maps.labels:
        for measure, label, unit in measures:
            values = [getattr(agreements[structure], measure) for agreements in found.values()]
            estimate = summarise(values, list(found), label)
            numbers.append(Number(f"segmentation.{structure}.{measure}", f"{structure}, {label}", estimate, unit=unit))
    note = f"Means over patients; surfaces within {TOLERANCE_MM:g} mm count as the same."
    blocks = [numbers_table("segmentation", "Overlap of label maps", numbers, note)] if found else []
    words = [Text("Not compared: " + "; ".join(refused) + ".")] if refused else []
    return Section("segmentation", "Segmentation", (*blocks, *words), tuple(numbers))


def compare_folders(
    maps: LabelMaps, advance: Callable[[], None]
) -> tuple[dict[str, dict[str, MaskAgreement]], list[str]]:
    """Return the agreement of every case in both folders by its file's name, and why others were not compared."""
    found, refused = {}, []
    structures = {name: [value] for value, name in maps.labels}
    for path in label_map_files(maps.reference):
        other = maps.model / path.name
        try:
            if not other.is_file():
                raise ValueError("the model has no label map of that name")
            reference, model = read_label_map(path), read_label_map(other)
            check_same_grid(reference, model)
            found[path.name] = compare_label_maps(
                reference.labels, model.labels, reference.spacing_mm, dict(structures), TOLERANCE_MM
            )
        except ValueError as error:
            refused.append(f"{path.name}: {error}")
        advance()
    return found, refused


def label_map_files(folder: Path) -> list[Path]:
    """Return the NIfTI files of a folder by name."""
    return sorted(path for path in folder.glob("*") if path.name.endswith((".nii", ".nii.gz")))
