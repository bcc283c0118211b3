"""Every check of a bundle with its outcome, for people and for programs; opening it stops at the first that fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from export.parity_gate import CaseVerdict, candidates_of, gate_cases, run_gate
from runtime.bundle.files import SignedManifest, check_nothing_else, read_file, read_manifest
from runtime.bundle.loading import Bundle, check_references, load_bundle
from runtime.bundle.manifest import Manifest
from runtime.bundle.manifest_reading import parse_manifest
from runtime.bundle.networks import check_network
from runtime.inference.errors import BackendUnavailable
from runtime.inference.golden import run_golden
from runtime.inference.model import load_model
from trust.errors import BundleRejected
from trust.signing import TrustedKey
from trust.trusted import key_for, read_trust

Status = Literal["ok", "failed", "not reached"]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    text: str
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured, by name."""


@dataclass(frozen=True)
class Verification:
    """What all checks of one bundle said."""

    bundle: str
    digest: str | None
    """None when there is no manifest to be read."""

    checks: tuple[Check, ...]
    parity: tuple[CaseVerdict, ...] = ()
    """Every backend and precision against the reference; none when the golden case was not to be run."""

    @property
    def accepted(self) -> bool:
        """Whether a box with this trust would serve the bundle, in every precision that was compared."""
        return all(check.status == "ok" for check in self.checks) and not self._refused

    @property
    def reason(self) -> str:
        """The first failure, or nothing."""
        failed = [check.text for check in self.checks if check.status == "failed"]
        return next(iter(failed + self._refused), "")

    @property
    def _refused(self) -> list[str]:
        return [
            f"{each.candidate} in {each.precision} is refused on case {each.case}: "
            + "; ".join([*each.reasons, _remedy(each)])
            for each in self.parity
            if each.outcome == "refused"
        ]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        checks = [asdict(check) for check in self.checks]
        parity = [verdict.to_mapping() for verdict in self.parity]
        return {
            "bundle": self.bundle,
            "digest": self.digest,
            "accepted": self.accepted,
            "checks": checks,
            "parity": parity,
        }


def verify_bundle(
    path: Path, trusted_keys: Path | None, backends: Sequence[str], cases: Sequence[Path] = ()
) -> Verification:
    """Look at everything, also after a failure, as far as it still can be looked at.

    On `backends` the golden case is run, and compared in each of their precisions with the reference, as are `cases`.
    """
    record = _Record()
    signed = record.look("manifest", lambda: _manifest(path))
    keys = record.look("signature", lambda: _signature(path, trusted_keys), needs=signed)
    manifest = record.look("schema", lambda: _schema(_present(signed)), needs=signed)
    record.look("scope", lambda: _scope(_present(keys), _present(manifest)), needs=keys and manifest)
    record.look("folds", lambda: _folds(_present(manifest)), needs=manifest)
    record.look("files", lambda: _files(path, _present(manifest)), needs=manifest)
    record.look("weights", lambda: _weights(path, _present(manifest)), needs=manifest)
    sound = record.all_ok or None
    bundle = record.look("opening", lambda: _opening(path, trusted_keys), needs=sound)
    for backend in backends:
        record.golden(bundle, backend)
    parity: tuple[CaseVerdict, ...] = ()
    if bundle is not None and backends and record.all_ok:
        parity = tuple(run_gate(bundle, gate_cases(bundle, cases), candidates_of(bundle, backends)))
    return Verification(path.name, signed.digest if signed else None, tuple(record.checks), parity)


def _remedy(verdict: CaseVerdict) -> str:
    """Return what can be done about a refusal."""
    if verdict.precision == "float32":
        return "to do: export the folds again, and report it when that does not help"
    return (
        "to do: train on, or make it with --exact-only, which declares it for the mode exact; --backend leaves one out"
    )


class _Record:
    """The checks so far."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    @property
    def all_ok(self) -> bool:
        """Whether nothing has failed yet."""
        return all(check.status == "ok" for check in self.checks)

    def look(self, name: str, step: Callable[[], tuple[str, Found]], needs: object = True) -> Found | None:
        """Take one step and note its outcome; a step that needs what is missing is not taken."""
        if needs is None:
            self.checks.append(Check(name, "not reached", "an earlier check failed"))
            return None
        try:
            text, found = step()
        except (BundleRejected, BackendUnavailable) as error:
            self.checks.append(Check(name, "failed", str(error)))
            return None
        self.checks.append(Check(name, "ok", text))
        return found

    def golden(self, bundle: Bundle | None, backend: str) -> None:
        """Run the golden case on one backend."""
        name = f"golden case on {backend}"
        report = self.look(name, lambda: ("", run_golden(load_model(_present(bundle), backend))), needs=bundle)
        if report is not None:
            figures = {"differing_share": report.differing_share, "lowest_dice": min(report.dice.values(), default=1.0)}
            self.checks[-1] = Check(name, "ok" if report.passed else "failed", str(report), figures)


def _manifest(path: Path) -> tuple[str, SignedManifest]:
    signed = read_manifest(path, signed=False)
    return signed.digest, signed


def _signature(path: Path, trusted_keys: Path | None) -> tuple[str, tuple[TrustedKey, ...]]:
    signed, trust = read_manifest(path), read_trust(trusted_keys)
    keys = trust.vouching_keys(signed.content, signed.digest, signed.signatures)
    listed = ", ".join(f"{key.key_id} ({key.file}{_until(key)})" for key in keys)
    return f"good, key {listed}; {len(signed.signatures)} in all; neither keys nor bundle revoked", keys


def _until(key: TrustedKey) -> str:
    return f", until {key.not_after}" if key.not_after else ""


def _schema(signed: SignedManifest) -> tuple[str, Manifest]:
    manifest = parse_manifest(signed.mapping)
    return f"version {manifest.schema_version}: {manifest.name} {manifest.version}", manifest


def _scope(keys: tuple[TrustedKey, ...], manifest: Manifest) -> tuple[str, None]:
    key = key_for(keys, manifest.trained_on)
    return f"trained on {manifest.trained_on}, for which key {key.key_id} is trusted", None


def _folds(manifest: Manifest) -> tuple[str, None]:
    check_references(manifest)
    also = "".join(f", also in {precision}" for precision in sorted(manifest.variants))
    return f"{len(manifest.folds)}{also}, all listed", None


def _files(path: Path, manifest: Manifest) -> tuple[str, None]:
    """Look at every file, and name all that are not as signed."""
    reasons = []
    for check in (lambda: check_nothing_else(path, manifest), *(_reading(path, entry) for entry in manifest.files)):
        try:
            check()
        except BundleRejected as error:
            reasons.append(str(error))
    if reasons:
        raise BundleRejected("; ".join(reasons))
    size_mb = sum(entry.bytes for entry in manifest.files) / 1e6
    return f"{len(manifest.files)} as signed, {size_mb:.1f} MB, nothing beside them", None


def _reading(path: Path, entry: Any) -> Callable[[], object]:
    return lambda: read_file(path, entry)


def _weights(path: Path, manifest: Manifest) -> tuple[str, None]:
    for entry in manifest.files:
        if entry.path in manifest.networks:
            check_network(read_file(path, entry), entry.path)
    return "all finite numbers, all inside the signed files", None


def _opening(path: Path, trusted_keys: Path | None) -> tuple[str, Bundle]:
    """Open as the runtime does, which has the last word, and read the golden case."""
    bundle = load_bundle(path, trusted_keys)
    volume, labels = bundle.golden_volume(), bundle.golden_labels()
    if volume.shape != labels.shape:
        raise BundleRejected(f"the golden case has labels of shape {labels.shape} for an image of {volume.shape}")
    return f"as the runtime does; golden case of {' x '.join(map(str, volume.shape))} voxels", bundle


def _present(value: Found | None) -> Found:
    """Return what a step needs, which `look` has made sure of."""
    if value is None:
        raise BundleRejected("an earlier check failed")
    return value
