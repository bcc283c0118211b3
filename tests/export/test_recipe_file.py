"""Name, version, use and card of a bundle come from a recipe and its data set, and its key has to fit them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from base.errors import SettingInvalid
from export.card_text import read_card_text
from export.cli import app
from export.errors import ExportFailed
from export.recipe_file import RecipeFile, read_recipe

RECIPE = 'name = "site-lpln"\nversion = "1.2.0"\nintended_use = "Research at one site."\n'


def _recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_a_recipe_says_what_the_model_is_called_and_for_and_holds_the_words_of_its_card(tmp_path: Path) -> None:
    path = _recipe(tmp_path, f'{RECIPE}[card]\nlimits = "Eight cases."\n')
    assert read_recipe(path) == RecipeFile("site-lpln", "1.2.0", "Research at one site.", path)
    assert read_card_text(path).limits == "Eight cases."
    assert read_recipe(_recipe(tmp_path, RECIPE)).card is None
    assert read_recipe(None) == RecipeFile()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('nmae = "x"', r"no such setting: nmae \(did you mean name\?\)"),
        ("version = 1.2", r"version is 1\.2; allowed: text that is not empty"),
        ('name = " "', "name is ' '; allowed: text that is not empty"),
        ('card = "x"', "card is 'x'; allowed: a table"),
        ("name =", "allowed: a readable TOML file"),
    ],
)
def test_what_no_recipe_has_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingInvalid, match=said):
        read_recipe(_recipe(tmp_path, text))


def test_words_that_no_card_has_are_named_also_in_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match="has limts"):
        read_card_text(_recipe(tmp_path, '[card]\nlimts = "None."\n'))


def _bundle(folder: Path, *words: str) -> BaseException | None:
    """Run `bundle` on a model of patients up to where it needs the folds."""
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "dataset.json").write_text(json.dumps({"trained_on": "clinical"}))
    arguments = ["bundle", str(model), "--reference-cases", str(folder), "--out", str(folder / "out"), "--unproven"]
    return CliRunner().invoke(app, [*arguments, *words]).exception


def test_the_data_set_says_what_the_model_learnt_from_and_a_recipe_names_it(tmp_path: Path) -> None:
    unnamed = _bundle(tmp_path)
    assert isinstance(unnamed, SettingInvalid)
    assert "a model trained on patients (--name)" in str(unnamed)
    named = _bundle(tmp_path, "--recipe", str(_recipe(tmp_path, RECIPE)))
    assert not isinstance(named, SettingInvalid) or named.name not in ("name", "intended-use", "trained_on")


def test_a_key_that_verify_would_refuse_for_such_a_model_signs_nothing(tmp_path: Path) -> None:
    key, recipe = tmp_path / "keys" / "demo.pem", _recipe(tmp_path, RECIPE)
    key.parent.mkdir()
    for scope in ("phantom", "clinical"):
        key.unlink(missing_ok=True)
        assert CliRunner().invoke(app, ["keygen", str(key), "--trusted-for", scope]).exit_code == 0
        failure = _bundle(tmp_path, "--recipe", str(recipe), "--key", str(key))
        assert (isinstance(failure, SettingInvalid) and failure.name == "key") == (scope == "phantom")
        if scope == "phantom":
            assert "demo.pub, which is not trusted for clinical" in str(failure)
            assert "keygen PATH --trusted-for clinical" in str(failure)
    assert not (tmp_path / "out").exists()
