"""`sidewall bundle`, and a start that names a reference."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, failures, run_sidewall, running_server
from tests.fixtures.pushed import TwoVersions, make_two_versions, reference_in
from tests.fixtures.registries import RunningRegistry, find_registry, running_registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    """Return a running registry without content."""
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    with running_registry(program, tmp_path / "registry") as running:
        yield running


@pytest.fixture
def versions(tmp_path: Path) -> TwoVersions:
    """Return two versions of a bundle."""
    return make_two_versions(tmp_path)


@pytest.fixture
def here(run: Run, versions: TwoVersions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command line that trusts the versions, and keeps bundles in `store`."""
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(versions.keys))
    monkeypatch.setenv("SIDEWALL_BUNDLE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SIDEWALL_REGISTRY_PLAIN_HTTP", "true")
    return run


def _listed(run: Run) -> dict[str, list[str]]:
    return {each["version"]: each["roles"] for each in json.loads(run("bundle", "list", "--json").stdout)}


def test_a_rollback_needs_no_registry(here: Run, versions: TwoVersions, tmp_path: Path) -> None:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    with running_registry(program, tmp_path / "registry") as registry:
        versions.push(registry, "1")
        versions.push(registry, "2", second=True)
        done = here("bundle", "pull", reference_in(registry, "1"), "--use")
        assert (done.exit_code, done.stdout.startswith("tiny 1.0.0 pulled: tiny@sha256:")) == (0, True)
        assert json.loads(here("bundle", "pull", reference_in(registry, "2"), "--json").stdout)["pulled"] is True
    assert _listed(here) == {"1.0.0": ["current"], "2.0.0": []}
    assert here("bundle", "use", "previous").exit_code == 2
    second = next(each for each in json.loads(here("bundle", "list", "--json").stdout) if each["version"] == "2.0.0")
    assert here("bundle", "use", f"tiny@{second['artifact'][:19]}").exit_code == 0
    assert _listed(here) == {"1.0.0": ["previous"], "2.0.0": ["current"]}
    done = here("bundle", "use", "previous")
    assert "it is the current one; a server that runs takes it when it is started again" in done.stdout
    assert _listed(here) == {"1.0.0": ["current"], "2.0.0": ["previous"]}
    current = (tmp_path / "store" / "current" / "manifest.json").read_text()
    assert json.loads(current)["version"] == "1.0.0"


def test_what_is_not_there_is_said_with_what_is(
    here: Run, registry: RunningRegistry, versions: TwoVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = here("bundle", "use", "tiny@sha256:01234567")
    assert (done.exit_code, "allowed: one of this store (nothing: pull one first)" in done.stderr) == (2, True)
    digest = versions.push(registry, "1")
    here("bundle", "pull", reference_in(registry, "1"))
    for wanted in ("tiny@sha256:00000000", "other@" + digest, digest[:14], "..", ""):
        done = here("bundle", "use", wanted)
        assert (done.exit_code, f"one of this store (tiny@{digest[:19]})" in done.stderr) == (2, True)
    monkeypatch.setenv("COLUMNS", "60")
    assert f"tiny@{digest[:19]}" in here("bundle", "list").stdout


def test_a_bundle_that_changed_in_the_store_is_not_made_current(
    here: Run, registry: RunningRegistry, versions: TwoVersions, tmp_path: Path
) -> None:
    digest = versions.push(registry, "1")
    here("bundle", "pull", reference_in(registry, "1"))
    (tmp_path / "store" / digest.replace(":", "-") / "fold_0.onnx").write_bytes(b"")
    done = here("bundle", "use", digest)
    assert (done.exit_code, "bundle_rejected: file fold_0.onnx of the bundle has 0 bytes" in done.stderr) == (4, True)
    assert _listed(here) == {"1.0.0": []}


@pytest.mark.parametrize("name", ["fold_0.onnx", "manifest.json"])
def test_a_pull_replaces_a_bundle_that_is_damaged_in_the_store_once_another_has_come(
    here: Run, registry: RunningRegistry, versions: TwoVersions, tmp_path: Path, name: str
) -> None:
    digest = versions.push(registry, "1")
    pull = ("bundle", "pull", str(reference_in(registry, "1")))
    here(*pull, "--use")
    stored = tmp_path / "store" / digest.replace(":", "-") / name
    good = stored.read_bytes()
    stored.write_bytes(b"")
    assert here("bundle", "pull", f"127.0.0.1:1/a@{digest}").exit_code == 5
    assert stored.read_bytes() == b""
    assert json.loads(here(*pull, "--json").stdout)["pulled"] is True
    assert stored.read_bytes() == good
    assert _listed(here) == {"1.0.0": ["current"]}
    assert not list((tmp_path / "store").glob(".*.part"))


def test_all_but_the_current_one_can_be_removed(here: Run, registry: RunningRegistry, versions: TwoVersions) -> None:
    old, new = versions.push(registry, "1"), versions.push(registry, "2", second=True)
    for tag in ("1", "2"):
        here("bundle", "pull", reference_in(registry, tag), "--use")
    done = here("bundle", "remove", new)
    assert (done.exit_code, "a bundle that is not the current one" in done.stderr) == (2, True)
    assert here("bundle", "remove", old).exit_code == 0
    assert _listed(here) == {"2.0.0": ["current"]}


def test_a_pull_ends_with_the_status_of_what_went_wrong(here: Run, registry: RunningRegistry) -> None:
    for reference, status, said in (
        (reference_in(registry, "none"), 5, "registry_failed: the registry has no 127.0.0.1"),
        ("127.0.0.1:1/a:1", 5, "registry_failed: the registry of 127.0.0.1:1/a:1 does not answer"),
        ("registry.example/a:1", 2, "setting_invalid: setting registry_plain_http is 'registry.example'"),
        ("a:1", 2, "setting_invalid: setting reference is 'a:1'; allowed: HOST[:PORT]/NAME"),
    ):
        done = here("bundle", "pull", reference)
        assert (done.exit_code, said in done.stderr) == (status, True), done.stderr
        assert json.loads(here("bundle", "pull", reference, "--json").stdout)["error"]["code"] == said.partition(":")[0]


def test_doctor_says_what_a_reference_is_now_and_what_a_start_would_take(
    here: Run, versions: TwoVersions, tmp_path: Path
) -> None:
    def checks(bundle: str) -> dict[str, tuple[bool, str]]:
        """Return the checks by the first word of their names."""
        made = json.loads(here("doctor", "--bundle", f"oci:{bundle}", "--json").stdout)
        return {each["name"].partition(" 127")[0]: (each["ok"], each["text"]) for each in made}

    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    with running_registry(program, tmp_path / "registry") as registry:
        digest = versions.push(registry)
        reference = str(reference_in(registry))
        found = checks(reference)
        assert found["bundle reference"][1].startswith(f"{digest}, not pulled yet: the next start pulls it")
        assert found["bundle"] == (False, "it is not in the store")
        here("bundle", "pull", reference)
        assert checks(reference)["bundle reference"] == (True, f"{digest}, in the store")
    found = checks(reference)
    assert found["bundle reference"][0] is False
    assert found["bundle reference"][1].endswith(f"a start takes what it was when last pulled, {digest}")
    assert found["bundle"][0] is True
    assert checks(f"{reference}@{digest}")["bundle reference"] == (
        True,
        "pinned, and in the store: no registry is needed",
    )


def test_a_server_pulls_its_bundle_and_starts_without_the_registry_afterwards(
    versions: TwoVersions, tmp_path: Path
) -> None:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    settings = {"SIDEWALL_BUNDLE_STORE": str(tmp_path / "store"), "SIDEWALL_REGISTRY_PLAIN_HTTP": "true"}
    with running_registry(program, tmp_path / "registry") as registry:
        digest = versions.push(registry)
        tiny = TinyBundle(Path(f"oci:{reference_in(registry)}"), versions.keys)
        with running_server(tiny, tmp_path, **settings) as server:
            assert server.wait_for_entry(lambda entry: entry["event"] == "bundle")["what"] == (
                f"pulled {reference_in(registry)}: {digest}"
            )
    with running_server(tiny, tmp_path, **settings) as server:
        warning = server.wait_for_entry(lambda entry: entry["event"] == "bundle")
        assert warning["level"] == "warning"
        assert f"taken as it was when last pulled, {digest}" in warning["what"]


def test_a_start_without_registry_and_without_that_bundle_ends_with_one_line(
    versions: TwoVersions, tmp_path: Path
) -> None:
    tiny = TinyBundle(versions.first, versions.keys)
    options = ("--bundle", "oci:127.0.0.1:1/a:1", "--listen", "127.0.0.1:0")
    done = run_sidewall(tiny, "serve", *options)
    lines = failures(done.stderr)
    assert done.returncode == 5
    assert len(lines) == 1
    assert lines[0].startswith("registry_failed: the registry of 127.0.0.1:1/a:1 does not answer")
