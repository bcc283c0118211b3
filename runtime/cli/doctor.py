"""`sidewall doctor`: whether this installation and its bundle are sound."""

import platform
from dataclasses import dataclass

from runtime import __version__
from runtime.bundle.loading import Bundle, load_bundle
from runtime.cli.loading import engine_cache
from runtime.core.counting import counted
from runtime.core.errors import BackendUnavailable, BundleRejected
from runtime.inference.backend import BACKENDS, absence, available_backends
from runtime.inference.golden import run_golden
from runtime.inference.model import load_model
from runtime.settings import Settings


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
        _engines_check(settings),
    ]
    if settings.bundle is None:
        return [*checks, Check("bundle", False, "none is named: --bundle or SIDEWALL_BUNDLE")]
    try:
        bundle = load_bundle(settings.bundle)
    except BundleRejected as error:
        return [*checks, Check("bundle", False, str(error))]
    checks.append(Check("bundle", True, _describe(bundle)))
    return [*checks, *(_golden_check(bundle, backend, settings) for backend in backends)]


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
    return Check("engine cache", True, f"{counted(len(engines), 'engine')} in {engines.folder}")


def _golden_check(bundle: Bundle, backend: str, settings: Settings) -> Check:
    try:
        report = run_golden(load_model(bundle, backend, settings.mode, settings.threads, engine_cache(settings)))
    except (BackendUnavailable, BundleRejected) as error:
        return Check(f"golden case on {backend}", False, str(error))
    return Check(f"golden case on {backend}", bool(report.passed), str(report))
