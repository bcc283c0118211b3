"""docs/configurations.md says what the code says of every value of a configuration, and the code holds to it."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from base.errors import SettingInvalid
from tools.configurations_page import PAGE, configurations_page, main
from tools.made_pages import field_meanings
from training.config import CONFIG_DIR, ModelConfig, load_config
from training.config_values import VALUES


def _names() -> dict[str, type]:
    """Return the class of every value by the name under which it stands in `VALUES`."""
    found: dict[str, type] = {}
    for name, hint in get_type_hints(ModelConfig).items():
        part = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
        if isinstance(part, type):
            found |= {f"{name}.{each.name}": part for each in fields(part)}
        else:
            found[name] = ModelConfig
    return found


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == configurations_page(), "python -m tools.configurations_page makes it"
    main(check=True)


def test_a_page_that_is_missing_or_not_current_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.configurations_page.PAGE", tmp_path / "page.md")
    with pytest.raises(SystemExit, match="1"):
        main(check=True)
    main()
    main(check=True)


def test_every_value_has_limits_and_a_meaning_and_every_configuration_stands_on_the_page() -> None:
    names, page = _names(), configurations_page()
    assert set(VALUES) == set(names)
    assert [name for name, kind in names.items() if name.rpartition(".")[2] not in field_meanings(kind)] == []
    assert [name for name in VALUES if f"| `{name.rpartition('.')[2]}` |" not in page] == []
    assert [path.stem for path in CONFIG_DIR.glob("*.toml") if f"| `{path.stem}` |" not in page] == []


def _changed(name: str, value: Any) -> dict[str, Any]:
    base = "paper_nnunet" if name == "grid.gpu_memory_gb" else "demo"
    content = load_config(base).to_dict()
    table, _, own = name.rpartition(".")
    (content[table] if table else content)[own] = value
    return content


@pytest.mark.parametrize("name", sorted(VALUES))
@pytest.mark.parametrize("value", [True, {"a": 1}, "", -7, [], [-1, -1, -1]])
def test_what_no_value_can_be_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(SettingInvalid) as caught:
        ModelConfig.from_dict(_changed(name, value))
    assert caught.value.name == name
    assert VALUES[name].allowed in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("schedule.epochs", "ten", "schedule.epochs is 'ten'; allowed: whole number from 1"),
        ("schedule.epochs", 0, "schedule.epochs is 0; allowed: whole number from 1"),
        ("schedule.learning_rate", 2, "schedule.learning_rate is 2; allowed: above 0 to 1"),
        ("grid.patch", [24, 160], "allowed: 3 whole numbers"),
        ("grid.spacing_mm", [0, 1, 1], "allowed: above 0"),
        ("network.strides", [[2, 2, 2]] * 5, r"allowed: whole numbers from 1, \[1, 1, 1\] first"),
        ("augmentation.scaling", [1.4, 0.7], "allowed: two numbers above 0, the smaller first"),
        ("name", "../demo", "allowed: letters and digits, single _ and - between them"),
        ("name", "de__mo", "allowed: letters and digits, single _ and - between them"),
    ],
)
def test_a_value_outside_its_range_is_answered_with_the_range(name: str, value: Any, said: str) -> None:
    with pytest.raises(SettingInvalid, match=said):
        ModelConfig.from_dict(_changed(name, value))
