"""The client of before the wire contract grew, as its wheel was built then, against the server of today.

The wheel was built from commit d3f975b, of which the contract knows no studies, no priorities and fewer findings
(`tests/data/README.md`). It is another package of the same name, so that it runs in a process of its own.
"""

import base64
import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pydicom
import pytest
import sidewall

from tests.fixtures.bundles import make_tiny_volume
from tests.fixtures.processes import ServerProcess

WHEEL: Final = Path(__file__).parents[2] / "data" / "old_client" / "sidewall_client-0.1.0-py3-none-any.whl"

_ASK: Final = """
import base64, json, sys
sys.path.insert(0, sys.argv[1])
import sidewall
said = {"from": sidewall.__file__, "progress": []}
try:
    with sidewall.Client(sys.argv[2]) as client:
        said["serving"] = client.is_serving()
        options = sidewall.CaseOptions(case_id="case")
        progress = {"options": options, "on_progress": lambda step: said["progress"].append(step.stage)}
        if sys.argv[3] == "series":
            result = client.analyze_series(sys.argv[4], **progress)
        else:
            geometry = sidewall.Geometry(**json.loads(sys.argv[5]))
            result = client.analyze_volume(open(sys.argv[4], "rb").read(), geometry, **progress)
    said["findings"] = result.findings
    said["artefacts"] = {each.name: base64.b64encode(each.data).decode() for each in result.artefacts}
except sidewall.SidewallClientError as error:
    said["error"] = [type(error).__name__, error.code]
    said["reasons"] = [reason.code for reason in getattr(error, "reasons", ())]
    said["findings"] = getattr(error, "findings", None)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def old_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that holds the old package, as an installer unpacks it."""
    folder = tmp_path_factory.mktemp("old_client")
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return folder


def ask(old_client: Path, address: str, *arguments: str | Path) -> dict[str, Any]:
    """Return what the old client got of the server."""
    command = [sys.executable, "-c", _ASK, str(old_client), address, *map(str, arguments)]
    # It went through the proxy of the environment; how its users set theirs is no matter of the wire.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert Path(said["from"]).is_relative_to(old_client)
    return said


def known_of(new: Any, old: Any) -> Any:
    """Return of what today's client read what the old one knows: fields may have come to it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: known_of(new[name], old[name]) for name in old if name in new}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [known_of(*pair) for pair in zip(new, old, strict=True)]
    return new


def without_times(findings: dict[str, Any]) -> dict[str, Any]:
    """Return the findings without what two runs of one case differ in: when it was, and how long each step took."""
    assert findings["timings_s"]
    return {name: each for name, each in findings.items() if name not in ("timings_s", "analysed_at")}


def pixels_of(artefacts: dict[str, bytes]) -> dict[str, bytes]:
    """Return the pixels of each DICOM file, empty for those that have none and for others, which tell the time."""
    data = {name: pydicom.dcmread(BytesIO(each)) for name, each in artefacts.items() if name.endswith(".dcm")}
    pixels = {name: each.PixelData for name, each in data.items() if "PixelData" in each}
    assert len(pixels) > 1
    return dict.fromkeys(artefacts, b"") | pixels


def test_the_old_client_reads_of_a_series_what_todays_reads(
    old_client: Path, server: ServerProcess, client: sidewall.Client, series: Path
) -> None:
    today = client.analyze_series(series, options=sidewall.CaseOptions(case_id="case"))
    said = ask(old_client, server.address, "series", series)
    assert said["serving"]
    assert said["progress"]
    assert {node["status"] for node in said["findings"]["nodes"]} == {"positive", "negative"}
    findings = without_times(said["findings"])
    assert known_of(today.findings, findings) == findings
    artefacts = {name: base64.b64decode(data) for name, data in said["artefacts"].items()}
    assert pixels_of(artefacts) == pixels_of({each.name: each.data for each in today.artefacts})


def test_the_old_client_reads_of_a_volume_what_todays_reads(
    old_client: Path, server: ServerProcess, client: sidewall.Client, tmp_path: Path
) -> None:
    volume, _ = make_tiny_volume()
    voxels = volume.voxels.tobytes()
    (tmp_path / "voxels").write_bytes(voxels)
    geometry = {
        "shape_zyx": volume.shape,
        "spacing_mm_zyx": volume.spacing_mm,
        "origin_lps_mm": volume.origin_lps_mm,
        "direction": volume.direction.tolist(),
    }
    today = client.analyze_volume(voxels, sidewall.Geometry(**geometry), options=sidewall.CaseOptions(case_id="case"))
    said = ask(old_client, server.address, "volume", tmp_path / "voxels", json.dumps(geometry))
    assert said["findings"]["nodes"]
    findings = without_times(said["findings"])
    assert known_of(today.findings, findings) == findings


def test_the_old_client_is_told_why_a_series_is_refused(
    old_client: Path, server: ServerProcess, client: sidewall.Client, tmp_path: Path
) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "a.dcm").write_bytes(b"no DICOM")
    with pytest.raises(sidewall.Refused) as refused:
        client.analyze_series(tmp_path / "series")
    said = ask(old_client, server.address, "series", tmp_path / "series")
    assert said["error"] == ["Refused", refused.value.code]
    assert said["reasons"] == [reason.code for reason in refused.value.reasons]
    assert said["reasons"]
