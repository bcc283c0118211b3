"""The real commands as processes: analyze, and submit to a real server."""

import json
import shutil
from pathlib import Path

from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.tiny_series import BAD_INPUTS


def test_analyze_and_submit_give_the_same_and_write_it(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "series"), "zip", series)
    here, there = tmp_path / "here", tmp_path / "there"
    local = run_sidewall(bundle, "analyze", archive, "--bundle", bundle.path, "--out", here, "--json")
    make_bad, code = BAD_INPUTS["missing_slice"]
    with running_server(bundle, tmp_path) as server:
        refused = run_sidewall(bundle, "submit", make_bad(tmp_path / "bad"), "--server", server.address, "--out", there)
        assert refused.returncode == 3
        assert f"refused ({code})" in refused.stdout
        assert json.loads((there / "findings.json").read_text())["status"] == "refused"
        remote = run_sidewall(bundle, "submit", archive, "--server", server.address, "--out", there)
    assert (local.returncode, remote.returncode) == (0, 0)
    assert local.stderr == ""
    assert "positive" in remote.stdout
    results = [json.loads((folder / "findings.json").read_text()) for folder in (here, there)]
    assert results[0] == json.loads(local.stdout)
    of_the_run = {"timings_s": None, "analysed_at": None}
    assert {**results[0], **of_the_run} == {**results[1], **of_the_run}
    names = [sorted(path.name for path in folder.rglob("*")) for folder in (here, there)]
    assert names[0] == names[1]


def test_serve_ends_with_status_4_on_a_damaged_bundle(bundle: TinyBundle, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(bundle.path, tmp_path / "damaged"))
    (damaged / "fold_0.onnx").write_bytes(b"damaged")
    done = run_sidewall(bundle, "serve", "--bundle", damaged, "--listen", "127.0.0.1:0")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("bundle_rejected: ")
    assert "Traceback" not in done.stderr
