"""The client of today against the server of before the wire contract grew: the last whose contract was released.

Its code comes out of this repository's history, from the commit that `proto/released.binpb` was made of.
"""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sidewall

from tests.fixtures.processes import ServerProcess, TinyBundle, running_server
from tests.fixtures.tiny_series import write_tiny_series

_RELEASED: Final = "fb63811"
_ROOT: Final = Path(__file__).parents[3]
_START: Final = "import sys; sys.argv[0] = 'sidewall'; from runtime.start import main; sys.exit(main())"


@pytest.fixture(scope="module")
def old_server(bundle: TinyBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Return a running server of that commit; skips where the history does not reach back so far."""
    folder = tmp_path_factory.mktemp("old_server")
    packages = ("base", "core", "runtime", "trust", "proto")
    command = ["git", "archive", "--format=zip", _RELEASED, *packages]
    archive = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
    if archive.returncode != 0:
        pytest.skip(f"commit {_RELEASED} is not in this clone's history")
    with zipfile.ZipFile(io.BytesIO(archive.stdout)) as files:
        files.extractall(folder / "code")
    path = f"{folder / 'code'}:{folder / 'code/proto'}"
    with running_server(bundle, folder, sys.executable, "-P", "-c", _START, PYTHONPATH=path) as server:
        yield server


def test_an_old_server_answers_a_new_client(old_server: ServerProcess, tmp_path: Path) -> None:
    write_tiny_series(tmp_path / "series")
    # What it does not know yet is passed over: all files come.
    options = sidewall.CaseOptions(case_id="case", artefacts=("report.dcm",), priority="urgent")
    with sidewall.Client(old_server.address) as client:
        assert client.is_serving()
        result = client.analyze_series(tmp_path / "series", options=options)
        assert result.findings["schema_version"] < "1.5"
        assert (result.findings["case"]["case_id"], len(result.findings["nodes"])) == ("case", 2)
        assert {"findings.json", "report.dcm", "contact_sheet.png"} <= {each.name for each in result.artefacts}
        # Its findings are an earlier study's for it and for any later server.
        prior = sidewall.CaseOptions(prior=result.findings)
        with pytest.raises(sidewall.SidewallClientError, match="same series") as said:
            client.analyze_series(tmp_path / "series", options=prior)
        assert said.value.code == "setting_invalid"


def test_what_an_old_server_does_not_know_is_told(old_server: ServerProcess, tmp_path: Path) -> None:
    write_tiny_series(tmp_path / "series")
    with sidewall.Client(old_server.address) as client:
        with pytest.raises(sidewall.SidewallClientError):
            client.server_info()
        images = sidewall.CaseOptions(prior_images=tmp_path / "series")
        with pytest.raises(sidewall.Refused) as refused:
            client.analyze_series(tmp_path / "series", options=images)
    assert [each.code for each in refused.value.reasons] == ["incomplete_transfer"]
    assert "every message must be `instance`" in refused.value.reasons[0].message
