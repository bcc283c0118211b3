"""Print as JSON what dcmqi and pydicom-seg find in SEG and SR; run in the environment of requirements.txt.

python read_results.py FOLDER: of `segmentation.dcm` and `report.dcm` in it, those that are there.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pydicom_seg  # type: ignore[import-not-found]
import SimpleITK

BIN = Path(sys.executable).parent


def _lies(image: Any) -> dict[str, Any]:
    """Return how many voxels a label has and where their centre and corners lie, LPS in mm."""
    found = np.argwhere(SimpleITK.GetArrayFromImage(image) > 0)[:, ::-1]
    points = np.array([image.TransformContinuousIndexToPhysicalPoint([float(v) for v in each]) for each in found])
    return {
        "voxels": len(found),
        "centre": points.mean(axis=0).tolist(),
        "low": points.min(axis=0).tolist(),
        "high": points.max(axis=0).tolist(),
    }


def _by_pydicom_seg(file: Path) -> dict[str, Any]:
    result = pydicom_seg.SegmentReader().read(pydicom.dcmread(file))
    return {
        str(result.segment_infos[number].TrackingUID): {
            "number": int(number),
            "label": str(result.segment_infos[number].SegmentLabel),
            "side": _side(result.segment_infos[number]),
            **_lies(result.segment_image(number)),
        }
        for number in result.available_segments
    }


def _side(segment: Any) -> str:
    region = segment.AnatomicRegionSequence[0]
    return (
        str(region.AnatomicRegionModifierSequence[0].CodeMeaning) if "AnatomicRegionModifierSequence" in region else ""
    )


def _by_dcmqi(file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = ["segimage2itkimage", "--inputDICOM", str(file), "--outputDirectory", folder, "--outputType", "nrrd"]
        _run(command)
        described = json.loads((Path(folder) / "meta.json").read_text())["segmentAttributes"]
        return {
            each["TrackingUniqueIdentifier"]: {
                "number": int(each["labelID"]),
                "label": each["SegmentLabel"],
                "side": each.get("AnatomicRegionModifierSequence", {}).get("CodeMeaning", ""),
                **_lies(SimpleITK.ReadImage(str(Path(folder) / f"{each['labelID']}.nrrd"))),
            }
            for (each,) in described
        }


def _report_by_dcmqi(file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        _run(["tid1500reader", "--inputDICOM", str(file), "--outputMetadata", str(out)])
        groups = json.loads(out.read_text())["Measurements"]
    return {
        each["TrackingUniqueIdentifier"]: {
            "segment": each.get("ReferencedSegment"),
            "segmentation": each.get("segmentationSOPInstanceUID"),
            "series": each.get("SourceSeriesForImageSegmentation"),
            "site": each.get("FindingSite", {}).get("CodeValue", ""),
            "side": each.get("Laterality", {}).get("CodeMeaning", ""),
            "numbers": {
                item["quantity"]["CodeValue"]: float(item["value"]) for item in each.get("measurementItems", [])
            },
            "codes": {
                item["conceptCode"]["CodeValue"]: item["conceptValue"]["CodeValue"]
                for item in each.get("qualitativeEvaluations", [])
                if isinstance(item["conceptValue"], dict)
            },
        }
        for each in groups
    }


def _run(command: list[str]) -> None:
    subprocess.run([str(BIN / command[0]), *command[1:]], check=True, capture_output=True)


def main(folder: Path) -> None:
    """Print what every reader finds in the folder's files."""
    readers: dict[str, tuple[str, Callable[[Path], dict[str, Any]]]] = {
        "pydicom-seg": ("segmentation.dcm", _by_pydicom_seg),
        "dcmqi": ("segmentation.dcm", _by_dcmqi),
        "dcmqi report": ("report.dcm", _report_by_dcmqi),
    }
    found = {name: read(folder / file) for name, (file, read) in readers.items() if (folder / file).is_file()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
