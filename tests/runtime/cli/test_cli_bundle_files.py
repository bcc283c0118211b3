"""`sidewall bundle verify | unpack`: bundles as files, with nothing but what is in the image of the appliance."""

import json
from pathlib import Path

from export.packing import pack_bundle
from runtime.bundle.loading import load_bundle
from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle


def test_verify_says_what_a_bundle_is_and_which_file_is_not_as_signed(
    run: Run, bundle: TinyBundle, tmp_path: Path
) -> None:
    sound = load_bundle(bundle.path, bundle.trusted_keys)
    done = run("bundle", "verify", bundle.path)
    assert (done.exit_code, done.stdout.split()[:3]) == (0, [f"{bundle.path}:", sound.name, f"{sound.version},"])
    assert json.loads(run("bundle", "verify", bundle.path, "--json").stdout)["digest"] == sound.digest
    altered = tmp_path / "altered"
    altered.mkdir()
    for file in bundle.path.rglob("*"):
        target = altered / file.relative_to(bundle.path)
        target.mkdir() if file.is_dir() else target.write_bytes(file.read_bytes())
    (altered / "fold_0.onnx").write_bytes(b"other weights")
    done = run("bundle", "verify", altered)
    assert done.exit_code == 4
    assert done.stderr.startswith("bundle_rejected: ")
    assert "fold_0.onnx" in done.stderr


def test_unpack_writes_a_verified_bundle_or_nothing(run: Run, bundle: TinyBundle, tmp_path: Path) -> None:
    packed = tmp_path / "tiny.tar"
    pack_bundle(bundle.path, packed, bundle.trusted_keys)
    done = run("bundle", "unpack", packed, "--out", tmp_path / "site")
    assert (done.exit_code, done.stdout.startswith(f"{tmp_path / 'site'}: ")) == (0, True)
    assert load_bundle(tmp_path / "site", bundle.trusted_keys).digest in done.stdout
    packed.write_bytes(packed.read_bytes()[:5000])
    done = run("bundle", "unpack", packed, "--out", tmp_path / "other")
    assert done.exit_code == 4
    assert sorted(each.name for each in tmp_path.iterdir()) == ["site", "tiny.tar"]
