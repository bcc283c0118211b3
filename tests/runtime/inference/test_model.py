"""One contract for every backend, on the tiny bundle whose right answer is known; one not present says why."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from base.errors import SettingInvalid
from core.errors import AnalysisCancelled
from core.progress import Progress, SilentMonitor
from core.volume import Volume
from runtime.bundle.loading import Bundle, load_bundle
from runtime.bundle.manifest import Tiling
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.registry import BACKENDS as KINDS
from runtime.inference.backends.registry import absence, available_backends, make_backend
from runtime.inference.engine_cache import EngineCache
from runtime.inference.ensemble import infer_folds
from runtime.inference.errors import BackendUnavailable
from runtime.inference.golden import GoldenReport, dice_of, require_golden, run_golden
from runtime.inference.labelling import node_posteriors
from runtime.inference.model import LoadedModel, Mode, load_model
from tests.fixtures.bundles import FOLD_COUNT, PATCH, make_network, make_tiny_bundle, make_tiny_volume, reseal
from trust.errors import BundleRejected

BACKENDS = [
    pytest.param(name, marks=pytest.mark.skipif(absence(name) is not None, reason=absence(name) or "present"))
    for name in KINDS
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return the opened tiny bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    return load_bundle(make_tiny_bundle(folder), folder / "keys")


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> LoadedModel:
    """Return the tiny bundle on the best backend."""
    return load_model(bundle, threads=1)


class _Recorder:
    """Keeps progress, and stops the work after a number of checks."""

    def __init__(self, checks: int) -> None:
        self.left, self.reports = checks, list[Progress]()

    def report(self, progress: Progress) -> None:
        self.reports.append(progress)

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise AnalysisCancelled("the caller has gone")


def test_both_cpu_backends_are_installed_with_the_fastest_first() -> None:
    assert available_backends()[-2:] == ("openvino-cpu", "onnxruntime-cpu")
    assert make_backend().name == available_backends()[0]


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_finds_the_known_labels(bundle: Bundle, backend: str, mode: Mode) -> None:
    loaded = load_model(bundle, backend, mode, threads=1)
    report = require_golden(loaded)
    assert (loaded.backend_name, loaded.mode, loaded.fold_count) == (backend, mode, FOLD_COUNT)
    assert report.differing_share == 0
    assert set(report.dice) == {"external_iliac_inguinal", "obturator", "internal_iliac", "node_positive"}


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_kept_engine_gives_the_very_same_logits(bundle: Bundle, backend: str, mode: Mode, tmp_path: Path) -> None:
    said = list[str]()
    engines = EngineCache(tmp_path, said.append)
    volume = make_tiny_volume()[0]
    first, kept = (
        load_model(bundle, backend, mode, 1, engines).segment_with_logits(volume, SilentMonitor())[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first.mean, kept.mean)
    assert len(said) in (0, FOLD_COUNT)  # ONNX Runtime alone has no engines to keep.


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fold_answers_a_batch_as_single_tiles(backend: str) -> None:
    fold = make_backend(backend).load_fold(make_network([-1, 0, 1, 2, 3, 4], 0), FoldOptions(PATCH, 1, "float32"))
    tiles = np.random.default_rng(0).normal(size=(2, 1, *PATCH)).astype(np.float32)
    together = fold.infer(tiles)
    assert together.shape == (2, 6, *PATCH)
    np.testing.assert_array_equal(together[1:], fold.infer(tiles[1:]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_that_is_no_network_is_refused(backend: str) -> None:
    with pytest.raises(BackendUnavailable, match="a fold of this bundle"):
        make_backend(backend).load_fold(b"not a network", FoldOptions(PATCH, 1, "float32"))


def test_an_unknown_backend_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(SettingInvalid, match=f"'abacus'; allowed: auto, {', '.join(KINDS)}"):
        make_backend("abacus")
    assert make_backend("auto").name == make_backend().name


def test_the_segmentation_lies_on_the_volume_and_holds_the_folds_opinions(model: LoadedModel) -> None:
    volume, labels = make_tiny_volume()
    segmentation = model.segment(volume, SilentMonitor())
    np.testing.assert_array_equal(segmentation.labels.voxels, labels)
    assert segmentation.labels.same_grid(volume)
    assert segmentation.fold_count == FOLD_COUNT
    nodes = labels >= 4
    assert segmentation.node_posterior.voxels[nodes].min() > 0.5 > segmentation.node_posterior.voxels[~nodes].max()
    assert segmentation.positive_share.voxels[labels == 5].min() > 0.5
    assert segmentation.positive_share.voxels[labels == 4].max() < 0.5
    assert len(segmentation.fold_opinions) == 2
    for opinion in segmentation.fold_opinions:
        mean = segmentation.node_posterior.voxels[opinion.box]
        assert opinion.node_posterior.shape == (FOLD_COUNT, *mean.shape)
        assert nodes[opinion.box].any()
        np.testing.assert_allclose(opinion.node_posterior.mean(axis=0), mean, atol=0.02)


def test_a_zero_border_and_another_spacing_stay_background_and_fit(model: LoadedModel) -> None:
    volume, labels = make_tiny_volume()
    fine = np.pad(volume.voxels.repeat(2, axis=1).repeat(2, axis=2), ((1, 2), (5, 0), (0, 7)))
    wanted = np.pad(labels.repeat(2, axis=1).repeat(2, axis=2), ((1, 2), (5, 0), (0, 7)))
    got = model.segment(Volume(fine, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0), volume.direction), SilentMonitor())
    assert got.labels.voxels.shape == fine.shape
    assert not got.labels.voxels[fine == 0].any()
    assert dice_of(got.labels.voxels, wanted, 5) > 0.8
    assert np.mean(got.labels.voxels == wanted) > 0.95


def test_progress_counts_every_tile_of_every_fold(model: LoadedModel) -> None:
    recorder = _Recorder(checks=1000)
    model.segment(make_tiny_volume()[0], recorder)
    tiles = [progress for progress in recorder.reports if progress.stage == "infer"]
    assert [progress.done for progress in tiles] == list(range(FOLD_COUNT * 2 * 2 * 2 + 1))
    assert tiles[-1].total == tiles[-1].done
    assert tiles[-1].remaining_s == 0
    assert [recorder.reports[0].stage, recorder.reports[-1].stage] == ["prepare", "resample"]


def test_a_cancelled_case_stops_between_tiles(model: LoadedModel) -> None:
    recorder = _Recorder(checks=3)
    with pytest.raises(AnalysisCancelled):
        model.segment(make_tiny_volume()[0], recorder)
    assert max(progress.done for progress in recorder.reports) == 3


def test_the_same_case_gives_the_same_bytes(model: LoadedModel) -> None:
    first, second = (model.segment(make_tiny_volume()[0], SilentMonitor()) for _ in range(2))
    np.testing.assert_array_equal(first.node_posterior.voxels, second.node_posterior.voxels)


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_logits_that_are_no_finite_numbers_are_refused_by_name(tmp_path: Path, backend: str, mode: Mode) -> None:
    key = Ed25519PrivateKey.generate()
    path = make_tiny_bundle(tmp_path, key=key)
    # Every weight is a finite number; what comes of them is beyond any sum.
    (path / "fold_1.onnx").write_bytes(make_network([-1, 0, 1, 2, 6.5e18, 4], 0))
    reseal(path, key)
    loaded = load_model(load_bundle(path, tmp_path / "keys"), backend, mode, threads=1)
    with pytest.raises(BundleRejected, match="fold 1 of the bundle answers with values that are no finite numbers"):
        run_golden(loaded)


class _Answering:
    """A fold with one answer for every tile."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.rests = 0

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return two classes of that value."""
        return np.full((len(tiles), 2, *tiles.shape[2:]), self.value, np.float32)

    def rest(self) -> None:
        """Note that it was let go."""
        self.rests += 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 60000.0])
def test_a_fold_whose_sum_leaves_half_precision_is_refused_as_nnunet_stops_at_it(value: float) -> None:
    data, tiling = np.zeros((1, 12, 12, 12), np.float32), Tiling((8, 8, 8), 0.5)
    infer_folds(data, [_Answering(10.0)], tiling, SilentMonitor(), half=True)
    with pytest.raises(BundleRejected, match="fold 1 of the bundle answers with values that are no finite numbers"):
        infer_folds(data, [_Answering(10.0), _Answering(value)], tiling, SilentMonitor(), half=True)


def test_a_fold_rests_once_after_its_tiles_and_when_the_case_is_stopped_between_them() -> None:
    data, tiling = np.zeros((1, 12, 12, 12), np.float32), Tiling((8, 8, 8), 0.5)
    folds = [_Answering(10.0), _Answering(10.0), _Answering(float("nan"))]
    with pytest.raises(BundleRejected):
        infer_folds(data, folds, tiling, SilentMonitor(), half=True)
    assert [fold.rests for fold in folds] == [1, 1, 1]


def test_openvino_answers_the_same_after_a_rest(tmp_path: Path) -> None:
    loaded = load_model(load_bundle(make_tiny_bundle(tmp_path), tmp_path / "keys"), "openvino-cpu", threads=1)
    tile = np.random.default_rng(0).normal(size=(1, 1, *loaded.bundle.manifest.tiling.patch_size)).astype(np.float32)
    fold = loaded.folds[0]
    before = fold.infer(tile)
    fold.rest()
    fold.rest()
    np.testing.assert_array_equal(fold.infer(tile), before)


def test_a_model_that_fails_its_golden_case_is_rejected(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path, golden_shift=1)
    wrong = load_model(load_bundle(path, tmp_path / "keys"), threads=1)
    report = run_golden(wrong)
    assert isinstance(report, GoldenReport)
    assert not report.passed
    with pytest.raises(BundleRejected, match=rf"golden case FAILED on {wrong.backend_name} \(exact\)"):
        require_golden(wrong)


def test_dice_counts_an_absent_structure_as_right() -> None:
    a, b = np.array([1, 1, 0, 0], dtype=np.uint8), np.array([1, 0, 1, 0], dtype=np.uint8)
    assert dice_of(a, b, 1) == 0.5
    assert dice_of(a, b, 2) == 1.0


def test_inference_needs_no_torch() -> None:
    code = (
        "import sys, runtime.inference.model; "
        "print(sorted({'torch', 'nnunetv2', 'scipy', 'skimage'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_temperature_softens_posteriors_and_the_folds_opinions_but_moves_no_label(model: LoadedModel) -> None:
    volume, _ = make_tiny_volume()
    plain, soft = (
        model.segment(volume, SilentMonitor(), replace(model.rules, temperature=temperature))
        for temperature in (1.0, 2.0)
    )
    assert np.array_equal(plain.labels.voxels, soft.labels.voxels)
    node = plain.node_posterior.voxels > 0.5
    assert node.any()
    assert (soft.node_posterior.voxels[node] < plain.node_posterior.voxels[node]).all()
    hard, softer = (each.fold_opinions[0].node_posterior.max() for each in (plain, soft))
    assert softer < hard


def test_the_posterior_at_a_temperature_is_the_softmax_of_the_divided_logits() -> None:
    logits = np.log(np.array([0.2, 0.1, 0.1, 0.1, 0.1, 0.4], dtype=np.float32))[:, None]
    assert node_posteriors(logits).node == pytest.approx(0.5)
    assert node_posteriors(logits).positive_share == pytest.approx(0.8)
    # Square roots, normalised: the node classes have (0.316 + 0.632) of (0.447 + 4 * 0.316 + 0.632).
    assert node_posteriors(logits, 2.0).node == pytest.approx(0.40463, abs=1e-4)
    assert node_posteriors(logits, 2.0).positive_share == pytest.approx(2 / 3)
