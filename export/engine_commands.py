"""The command that compiles folds ahead of time: engine."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from base.errors import SettingInvalid
from core.counting import counted
from export.options import BundleFolder, TrustedKeys
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.registry import BACKEND_NAMES, BACKENDS, require_backend
from runtime.inference.backends.tensorrt_building import RTX, Builder
from runtime.inference.engine_cache import EngineCache
from runtime.inference.model import Mode, load_model, networks_of, precision_of


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Example: sidewall-export engine models/demo --backend tensorrt-rtx --gpu sm_89 --cache out/engines"
    )(engine)


def engine(
    path: BundleFolder,
    backend: Annotated[str, typer.Option(help="What is to run the engines.")],
    cache: Annotated[Path, typer.Option("--cache", "--out", help="Folder for them: the box's setting engine_cache.")],
    gpu: Annotated[
        str | None,
        typer.Option(help="GPU of another box, such as sm_89 (RTX 4090), for tensorrt-rtx. Default: this machine's."),
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, or what the backend's fast mode takes.")] = "float32",
    trusted_keys: TrustedKeys = None,
) -> None:
    """Compile every fold of a bundle before the first start; for what a sound engine is there, none is built."""
    if backend not in BACKENDS:
        raise SettingInvalid("backend", backend, ", ".join(BACKEND_NAMES[1:]))
    mode = _mode(backend, precision)
    bundle = load_bundle(path, trusted_keys)
    engines = EngineCache(cache, lambda line: typer.echo(line, err=True))
    before = len(engines)
    if gpu is None:
        require_backend(backend)
        load_model(bundle, backend, mode, engines=engines)
    elif backend == RTX:
        for line in build_for(gpu, bundle, mode, engines):
            typer.echo(line)
    else:
        raise SettingInvalid("gpu", gpu, f"only with --backend {RTX}; {backend} compiles for the machine it runs on")
    typer.echo(f"{cache}: {counted(len(engines), 'engine')}, {len(engines) - before} of them new")


def build_for(gpu: str, bundle: Bundle, mode: Mode, engines: EngineCache) -> Iterator[str]:
    """Build every fold's engine for a GPU that need not be here, and yield a line on each.

    Raises `SettingInvalid` on a GPU that TensorRT for RTX does not build for, and `BackendUnavailable`.
    """
    builder, precision = Builder.without_gpu(gpu), precision_of(RTX, mode)
    options = FoldOptions(bundle.manifest.tiling.patch_size, 1, precision)
    for number, network in enumerate(networks_of(bundle, RTX, precision)):
        started_s = time.perf_counter()
        built = builder.build_ahead(network, options, engines)
        size_mb = (engines.folder / builder.key(network, options).file_name).stat().st_size / 1e6
        how = f"built in {time.perf_counter() - started_s:.1f} s" if built else "there already"
        yield f"fold {number}: {size_mb:.1f} MB for {gpu} in {precision}, {how}"


def _mode(backend: str, precision: str) -> Mode:
    """Return the mode that computes in a precision; raises `SettingInvalid` when the backend has none."""
    modes: dict[str, Mode] = {precision_of(backend, "fast"): "fast", "float32": "exact"}
    if precision not in modes:
        raise SettingInvalid("precision", precision, " or ".join(sorted(modes)))
    return modes[precision]
