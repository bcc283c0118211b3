"""`sidewall doctor`: whether this installation and its bundle are sound."""

import platform
from dataclasses import dataclass
from pathlib import Path

from base import __version__
from base.certificates import ServerCertificate
from base.errors import FileAbsent, SettingInvalid, SidewallError
from base.processors import processors
from base.storage_watch import MEANT, storage_failure
from core.counting import counted
from runtime.analysis.loading import engine_cache, registry_access
from runtime.bundle.loading import Bundle, load_bundle
from runtime.bundle.registry.store import BundleStore
from runtime.cli.exposed_files import exposure_notes
from runtime.inference.backends.registry import BACKENDS, absence, available_backends
from runtime.inference.errors import BackendUnavailable
from runtime.inference.golden import run_golden
from runtime.inference.model import load_model
from runtime.settings import Settings
from trust.errors import BundleRejected
from trust.registry.reference import Reference


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str


def examine(settings: Settings) -> list[Check]:
    """Look at software, backends, bundle and, on every backend, the golden case."""
    backends = available_backends()
    checks = [
        Check("software", True, f"sidewall {__version__}, Python {platform.python_version()}, {platform.machine()}"),
        Check("backends", bool(backends), ", ".join(backends) or "none is present"),
        *(Check("not present", True, reason) for reason in map(absence, BACKENDS) if reason is not None),
        Check("threads", True, processors().describe(settings.threads)),
        _engines_check(settings),
        *_exposure_checks(settings),
        *_certificate_checks(settings),
    ]
    if isinstance(settings.bundle, Reference):
        check, folder = _reference_check(settings.bundle, settings)
        checks.append(check)
    else:
        folder = settings.bundle
    if folder is None:
        named = "it is not in the store" if settings.bundle else "none is named: --bundle or SIDEWALL_BUNDLE"
        return [*checks, Check("bundle", False, named)]
    try:
        bundle = load_bundle(folder)
    except BundleRejected as error:
        return [*checks, Check("bundle", False, str(error))]
    checks += [Check("permissions", True, note) for note in bundle.notes]
    checks.append(Check("bundle", True, _describe(bundle)))
    return [*checks, *(_golden_check(bundle, backend, settings) for backend in backends)]


def _exposure_checks(settings: Settings) -> list[Check]:
    try:
        return [Check("permissions", True, note) for note in exposure_notes(settings)]
    except SettingInvalid as error:
        return [Check("permissions", False, str(error))]


def _certificate_checks(settings: Settings) -> list[Check]:
    try:
        certificate = ServerCertificate.of(settings)
    except (SettingInvalid, FileAbsent) as error:
        return [Check("certificate", False, str(error))]
    if certificate is None:
        return []
    names = {"server": "certificate", "client_ca": "authorities of clients"}
    return [
        Check(names[role], validity.problem() is None, validity.describe())
        for role, validity in certificate.validity().items()
    ]


def _reference_check(reference: Reference, settings: Settings) -> tuple[Check, Path | None]:
    """Return what the reference is now, and the folder of the bundle that a start would take; pulls nothing."""
    from runtime.bundle.registry.client import current_digest

    store, name = BundleStore(settings.bundle_store), f"bundle reference {reference}"
    if reference.digest is not None and store.has(reference.digest):
        folder = store.path_of(reference.digest)
        return Check(name, True, "pinned, and in the store: no registry is needed"), folder
    try:
        digest = current_digest(reference, registry_access(settings))
    except SidewallError as error:
        last = store.last_of(str(reference))
        said = "nothing was pulled before" if last is None else f"a start takes what it was when last pulled, {last}"
        return Check(name, False, f"{error}; {said}"), None if last is None else store.path_of(last)
    if store.has(digest):
        return Check(name, True, f"{digest}, in the store"), store.path_of(digest)
    said = f"not pulled yet: the next start pulls it, or `sidewall bundle pull {reference}`"
    return Check(name, True, f"{digest}, {said}"), None


def _describe(bundle: Bundle) -> str:
    manifest = bundle.manifest
    return (
        f"{manifest.name} {manifest.version}, {counted(len(manifest.folds), 'fold')}, "
        f"trained on {manifest.trained_on} data, signed by {bundle.signed_by}, {bundle.digest}"
    )


def _engines_check(settings: Settings) -> Check:
    engines = engine_cache(settings)
    if engines is None:
        return Check("engine cache", True, "none: this user has no home, and no folder is named")
    text = f"{counted(len(engines), 'engine')} in {engines.folder}"
    failure = storage_failure(engines.folder)
    if failure is None:
        return Check("engine cache", True, text)
    # What may not be written can be so on purpose: engines that were compiled ahead.
    return Check("engine cache", isinstance(failure, MEANT), f"{text}; {failure}")


def _golden_check(bundle: Bundle, backend: str, settings: Settings) -> Check:
    try:
        report = run_golden(load_model(bundle, backend, settings.mode, settings.threads, engine_cache(settings)))
    except (BackendUnavailable, BundleRejected) as error:
        return Check(f"golden case on {backend}", False, str(error))
    return Check(f"golden case on {backend}", bool(report.passed), str(report))
