"""The configs say what the study and the demo need."""

import dataclasses

import pytest

from runtime.core.errors import SettingInvalid
from training.config import ModelConfig, load_config


def test_the_paper_config_has_five_levels_from_32_filters() -> None:
    network = load_config("paper").network
    assert network.features == (32, 64, 128, 256, 320)
    assert len(network.decoder_convolutions) == 4


def test_the_demo_patch_covers_at_least_128_mm_in_plane() -> None:
    grid = load_config("demo").grid
    assert grid.spacing_mm is not None
    assert len(load_config("demo").network.features) == 5
    assert grid.patch[1] * grid.spacing_mm[1] >= 128
    assert grid.patch[2] * grid.spacing_mm[2] >= 128


def test_a_config_survives_the_way_through_the_plans() -> None:
    config = load_config("demo")
    assert ModelConfig.from_dict(config.to_dict()) == config


def test_an_unknown_config_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingInvalid, match="allowed: demo, paper, or the path"):
        load_config("huge")


def test_a_misspelt_setting_is_named() -> None:
    content = load_config("demo").to_dict()
    content["schedule"]["epoch"] = 3
    with pytest.raises(SettingInvalid, match=r"config.schedule is \['epoch'\]"):
        ModelConfig.from_dict(content)


def test_a_patch_that_the_strides_do_not_divide_is_refused() -> None:
    config = load_config("demo")
    with pytest.raises(SettingInvalid, match="axis 0 a multiple of 4"):
        dataclasses.replace(config, grid=dataclasses.replace(config.grid, patch=(18, 128, 128)))


def test_a_level_without_a_kernel_is_refused() -> None:
    config = load_config("demo")
    with pytest.raises(SettingInvalid, match=r"network.kernel_sizes .* one entry per level \(5\)"):
        dataclasses.replace(config, network=dataclasses.replace(config.network, kernel_sizes=((3, 3, 3),)))
