"""From a reference to a bundle in the store, through a real registry."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from base.errors import DiskFull, PermissionLacking, SettingInvalid
from runtime.bundle.loading import load_bundle
from runtime.bundle.registry.fetching import Fetched, fetch_bundle, fetch_or_last
from runtime.bundle.registry.store import BundleStore
from tests.fixtures.other_users import not_root, open_folder
from tests.fixtures.pushed import PLAIN, TwoVersions, put_artifact, read_artifact, reference_in
from tests.fixtures.registries import RunningRegistry, failing_line, running_registry
from trust.errors import BundleRejected, RegistryFailed
from trust.registry.reference import Reference

_DEAD_PORT = 1


def _fetch(reference: Reference, store: BundleStore) -> Fetched:
    return fetch_bundle(reference, store, PLAIN)


def _rejected(reference: Reference, store: BundleStore, message: str) -> None:
    """Assert that a start does not go on with what it had, and that nothing of the new bundle stays."""
    before = [each.digest for each in store.bundles()]
    with pytest.raises(BundleRejected, match=message):
        fetch_or_last(reference, store, PLAIN)
    assert [each.digest for each in store.bundles()] == before
    assert not list(store.folder.glob(".*.part"))


def test_a_tag_is_pulled_once_verified_and_kept_by_its_digest(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    digest = versions.push(registry)
    shown = list[tuple[int, int]]()
    first = fetch_bundle(reference_in(registry), store, PLAIN, lambda done, total: shown.append((done, total)))
    assert first == Fetched(store.folder / digest.replace(":", "-"), digest, pulled=True)
    assert load_bundle(first.folder).digest == load_bundle(versions.first).digest
    assert shown[-1][0] == shown[-1][1] == sum(path.stat().st_size for path in first.folder.rglob("*.*"))
    assert _fetch(reference_in(registry), store) == replace(first, pulled=False)


def test_a_pinned_bundle_that_is_here_needs_no_registry(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    digest = versions.push(registry)
    _fetch(reference_in(registry), store)
    pinned = Reference(f"127.0.0.1:{_DEAD_PORT}", "a", None, digest)
    assert _fetch(pinned, store).folder == store.path_of(digest)
    with pytest.raises(RegistryFailed, match=r"127\.0\.0\.1:1/a@sha256:0+ does not answer"):
        fetch_or_last(replace(pinned, digest="sha256:" + "0" * 64), store, PLAIN)


def test_a_tag_that_moved_brings_the_new_bundle_and_leaves_the_old(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    old = versions.push(registry)
    _fetch(reference_in(registry), store)
    new = versions.push(registry, second=True)
    assert _fetch(reference_in(registry), store).digest == new
    assert [(each.version, each.digest) for each in store.bundles()] == [("1.0.0", old), ("2.0.0", new)]
    assert [each.references for each in store.bundles()] == [(), (str(reference_in(registry)),)]


def test_without_the_registry_a_tag_is_what_it_was_when_last_pulled_and_that_is_said(
    program: str, versions: TwoVersions, store: BundleStore, tmp_path: Path
) -> None:
    with running_registry(program, tmp_path / "registry") as registry:
        digest = versions.push(registry)
        fetch_or_last(reference_in(registry), store, PLAIN)
    again = fetch_or_last(reference_in(registry), store, PLAIN)
    assert (again.digest, again.pulled) == (digest, False)
    said = f"does not answer (ConnectionError); {reference_in(registry)} is taken as it was when last pulled, {digest}"
    assert again.warning is not None
    assert again.warning.endswith(said)
    with pytest.raises(RegistryFailed, match="does not answer"):
        fetch_or_last(reference_in(registry, "other"), store, PLAIN)


def test_a_tag_that_was_taken_back_or_a_line_that_breaks_is_no_reason_to_stand_still(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    versions.push(registry)
    with failing_line(registry.port, 1 << 30, silent=False) as port:
        _fetch(reference_in(registry, port=port), store)
        versions.push(registry, second=True)
        shutil.rmtree(registry.storage / "docker/registry/v2/repositories/site/models/tiny/_manifests/tags")
        taken_back = fetch_or_last(reference_in(registry, port=port), store, PLAIN)
    assert taken_back.warning is not None
    assert "the registry has no 127.0.0.1" in taken_back.warning


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("unsigned", "the artifact has no manifest.sig: it is not signed"),
        ("title", r"a layer called '\.\./\.\./etc/cron.d/x', which lies outside the bundle"),
        ("absolute", "a layer called '/etc/cron.d/x', which lies outside the bundle"),
        ("swapped", r"manifest\.json of the bundle is not (a text file|whole JSON)"),
    ],
)
def test_a_moved_tag_that_leads_to_a_hostile_artifact_stops_and_leaves_the_store_as_it_was(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore, broken: str, message: str
) -> None:
    versions.push(registry)
    _fetch(reference_in(registry), store)
    artifact = read_artifact(registry)
    manifest, signature, *files = artifact["layers"]
    titles = {"title": "../../etc/cron.d/x", "absolute": "/etc/cron.d/x"}
    if broken in titles:
        files[0]["annotations"]["org.opencontainers.image.title"] = titles[broken]
    artifact["layers"] = {
        "unsigned": [manifest, *files],
        "swapped": [files[0] | {"mediaType": manifest["mediaType"]}, signature, *files],
    }.get(broken, [manifest, signature, *files])
    put_artifact(registry, artifact)
    _rejected(reference_in(registry), store, message)


def test_a_bundle_of_another_key_a_revoked_one_and_a_damaged_one_are_refused(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.push(registry)
    revoked = versions.keys / "revoked.json"
    entry = {"digest": load_bundle(versions.first).digest, "date": "2026-11-01", "reason": "misses small nodes"}
    revoked.write_text(json.dumps({"schema_version": "1", "keys": [], "bundles": [entry]}))
    _rejected(reference_in(registry), store, "was revoked on 2026-11-01: misses small nodes")
    revoked.unlink()
    blob = next(path for path in registry.storage.rglob("data") if path.read_bytes() == _fold(versions))
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    _rejected(
        reference_in(registry), store, r"fold_1\.onnx of the bundle was altered: its SHA-256 is not the signed one"
    )
    monkeypatch.delenv("SIDEWALL_TRUSTED_KEYS")
    _rejected(reference_in(registry), store, "which is not trusted here")


def test_a_store_on_a_full_disk_says_so_and_keeps_nothing_half(
    registry: RunningRegistry, versions: TwoVersions, small_disk: Path
) -> None:
    versions.push(registry)
    store = BundleStore(small_disk / "store")
    with pytest.raises(DiskFull, match=r"store.*: no space is left .*; make room there"):
        _fetch(reference_in(registry), store)
    assert {path.name for path in store.folder.iterdir()} == {".lock"}


def test_a_store_that_may_not_be_written_says_so(
    registry: RunningRegistry, versions: TwoVersions, tmp_path: Path
) -> None:
    versions.push(registry)
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingInvalid, match=r"setting bundle_store is .*: a folder that can be written \("):
        _fetch(reference_in(registry), BundleStore(tmp_path / "file" / "store"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 16 KiB, too small for the tiny bundle."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here: it takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_store_that_one_may_not_look_into_is_not_taken_for_an_empty_one() -> None:
    with open_folder() as folder:
        store = BundleStore(folder / "store")
        (store.folder / f"sha256-{'0' * 64}").mkdir(parents=True)
        store.folder.chmod(0o700)
        for look in (lambda: store.has(f"sha256:{'0' * 64}"), store.bundles):
            with not_root(), pytest.raises(PermissionLacking, match="this user may not do that there"):
                look()


def test_a_pull_that_was_killed_leaves_nothing_usable_and_the_next_one_clears_it_away(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    versions.push(registry)
    with failing_line(registry.port, 8000, silent=True) as port:
        process = _pulling(reference_in(registry, port=port), store)
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s and not list(store.folder.glob(".*.part/fold_0.onnx")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert list(store.folder.glob(".*.part"))
    assert store.bundles() == []
    assert _fetch(reference_in(registry), store).pulled
    assert not list(store.folder.glob(".*.part"))


def test_of_two_pulls_at_once_one_fetches_and_both_have_it(
    registry: RunningRegistry, versions: TwoVersions, store: BundleStore
) -> None:
    digest = versions.push(registry)
    processes = [_pulling(reference_in(registry), store) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [each["artifact"] for each in answers] == [digest, digest]
    assert sorted(each["pulled"] for each in answers) == [False, True]


def _pulling(reference: Reference, store: BundleStore) -> "subprocess.Popen[bytes]":
    command = ["bundle", "pull", str(reference), "--bundle-store", str(store.folder), "--registry-plain-http", "--json"]
    return subprocess.Popen(
        [sys.executable, "-c", "from runtime.cli import main; main()", *command],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )


def _fold(versions: TwoVersions) -> bytes:
    return (versions.first / "fold_1.onnx").read_bytes()
