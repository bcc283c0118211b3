"""The ten minutes of docs/training.md, typed block by block as they stand there: from phantoms to a served bundle."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.process_groups import wait_for_the_end_of_group
from tests.fixtures.registries import free_port

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh trial\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PORT = "50061"
"""As the page has it; the test takes one that is free."""


LONGEST_S = 3600
"""After which something hangs, also on a machine with much else to do."""


@pytest.mark.trial
def test_the_page_followed_in_order_by_its_text_alone_ends_in_a_served_bundle_and_its_answer(tmp_path: Path) -> None:
    assert len(BLOCKS) == 4
    assert all(PORT not in block for block in BLOCKS[:3])
    typed = "\n".join(["set -euo pipefail", *BLOCKS]).replace(PORT, str(free_port()))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    checkout = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "proto")])
    environment = os.environ | {"PATH": programs, "PYTHONPATH": checkout}
    with (tmp_path / "said").open("w") as said:
        shell = subprocess.Popen(
            ["bash", "-c", typed], cwd=tmp_path, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            status = shell.wait(timeout=LONGEST_S)
        finally:
            # What the page leaves running where a line of it fails.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    wait_for_the_end_of_group(shell.pid)
    text = (tmp_path / "said").read_text()
    assert status == 0, text
    assert "not usable" in text
    assert "golden case passed" in text
    study = tmp_path / "work" / "trial" / "study" / "nnUNet_results" / "Dataset501_Sidewall"
    assert (study / "SidewallTrainer__tiny__3d_fullres" / "learning_curves.html").is_file()
    findings = json.loads(next((tmp_path / "work" / "trial" / "case").rglob("findings.json")).read_text())
    assert findings["model"]["bundle_name"] == "trial"
    assert findings["model"]["fold_count"] == 5
    assert findings["model"]["trained_on"] == "phantom"
    assert findings["status"] != "refused"
