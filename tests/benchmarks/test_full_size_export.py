"""The benchmark of exported forms on a network that is small enough for a test."""

from pathlib import Path

from benchmarks.full_size_export import FORMS, bundle_bytes, measure, random_network
from tests.fixtures.toy_training import TINY
from training.config import load_config


def test_every_form_is_measured_where_it_runs_and_says_why_where_not(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    config = load_config(str(tmp_path / "tiny.toml"))
    assert config.network is not None
    first, *forms = measure(random_network(config.network, seed=0), (8, 32, 32), runs=1)
    assert first["torch"]["against_float64"]["relative"] < 1e-5
    assert [(form["precision"], form["pixel_shuffle"]) for form in forms] == [
        (form.precision, form.pixel_shuffle) for form in FORMS
    ]
    for form in forms:
        for engine in form["engines"]:
            if engine["runs"]:
                assert engine["passed"], engine
            else:
                assert (engine["backend"], form["precision"]) == ("onnxruntime-cpu", "bfloat16")
                assert "Conv" in engine["reason"]


def test_a_bundle_of_five_folds_holds_float32_and_what_it_was_asked_for() -> None:
    sizes = {"float32": 60, "float16": 30, "bfloat16": 31}
    forms = [{"precision": name, "bytes": size, "pixel_shuffle": False} for name, size in sizes.items()]
    shuffled = {"precision": "float32", "bytes": 1000, "pixel_shuffle": True}
    assert bundle_bytes([*forms, shuffled]) == {
        "float32": 300,
        "with_float16": 450,
        "with_bfloat16": 455,
        "with_both": 605,
    }
