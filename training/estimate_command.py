"""`sidewall-train estimate`: hours and disk of a training before it is begun."""

import contextlib
import io

import typer

from training.config import load_config
from training.options import (
    DEFAULT_DATASET,
    DEFAULT_WORK,
    Config,
    Dataset,
    Device,
    Epochs,
    Folds,
    Json,
    Parallel,
    Threads,
    WarmStartEpochs,
    Work,
    check_device,
    parse_range,
    say,
)
from training.workspace import Workspace


def estimate(
    work: Work = DEFAULT_WORK,
    config: Config = "demo",
    dataset: Dataset = DEFAULT_DATASET,
    folds: Folds = "0-4",
    parallel: Parallel = 1,
    threads: Threads = 1,
    device: Device = "cpu",
    epochs: Epochs = None,
    warm_start_epochs: WarmStartEpochs = None,
    as_json: Json = False,
) -> None:
    """Measure one training step on this device, and say hours per fold and disk of the whole training."""
    from training import estimating
    from training.jobs import Changes

    check_device(device)
    settings = load_config(config)
    workspace = Workspace(work, dataset, settings.name)
    changes = Changes(epochs, warm_start_epochs, config=settings)
    count = len(parse_range("folds", folds))
    # nnU-Net prints whom to cite; fit has that in its log.
    with contextlib.redirect_stdout(io.StringIO()):
        result = estimating.estimate(workspace, settings, changes, device, threads, parallel, count)
    if as_json:
        say(result, as_json)
    else:
        typer.echo("\n".join(estimating.told(result)))
