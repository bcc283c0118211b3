"""The configs say what the study and the demo need."""

import dataclasses

import pytest
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from base.errors import SettingInvalid
from training.augmentation import training_transforms
from training.config import Augmentation, Grid, ModelConfig, Network, load_config
from training.splits import FOLDS
from training.trainer import CROSS_ENTROPY_WEIGHT, DICE_WEIGHT, SidewallTrainer
from training.warm_start import WarmStartTrainer


def _network(config: ModelConfig) -> Network:
    assert config.network is not None
    return config.network


def test_the_paper_config_reads_as_the_study_says() -> None:
    paper = load_config("paper")
    assert len(_network(paper).features) == len(_network(paper).decoder_convolutions) + 1 == 5
    assert _network(paper).features[0] == 32
    assert (DICE_WEIGHT, CROSS_ENTROPY_WEIGHT) == (0.7, 0.3)
    assert paper.grid.spacing_mm is None, "nnU-Net's target spacing is the default"
    assert paper.schedule.warm_start_epochs == 0, "every fold from random weights"
    assert FOLDS == 5


@pytest.mark.parametrize("name", ["paper", "paper_nnunet"])
def test_the_study_turns_zooms_shifts_and_changes_contrast_and_does_nothing_else(name: str) -> None:
    config = load_config(name)
    chain = training_transforms((20, 64, 64), None, flat=True, settings=config.augmentation)
    steps = [getattr(step, "transform", step) for step in chain.transforms]
    assert [type(step).__name__ for step in steps] == [
        "Convert3DTo2DTransform",
        "SpatialTransform",
        "Convert2DTo3DTransform",
        "ContrastTransform",
        "RemoveLabelTransform",
    ]
    assert steps[1].p_rotation > 0
    assert steps[1].p_scaling > 0
    assert steps[1].p_elastic_deform == 0
    assert config.sampling.jitter > 0, "translation"


def test_augmentation_that_the_config_leaves_out_is_the_demos() -> None:
    chain = training_transforms((20, 64, 64), None, flat=False, settings=Augmentation())
    assert "MirrorTransform" not in [type(step).__name__ for step in chain.transforms]
    assert len(chain.transforms) == 7
    assert load_config("demo").augmentation == Augmentation()


@pytest.mark.parametrize("trainer", [SidewallTrainer, WarmStartTrainer])
def test_the_trainer_names_everything_that_it_changes_of_nnunets(trainer: type) -> None:
    changed = {name for name in vars(trainer) if hasattr(nnUNetTrainer, name) and not name.startswith("__")}
    described = str(SidewallTrainer.__doc__) + str(WarmStartTrainer.__doc__)
    assert {name for name in changed if f"`{name}`" not in described} == set()


def test_the_demo_patch_covers_at_least_128_mm_in_plane() -> None:
    demo = load_config("demo")
    grid = demo.grid
    assert grid.spacing_mm is not None
    assert grid.patch is not None
    assert len(_network(demo).features) == 5
    assert grid.patch[1] * grid.spacing_mm[1] >= 128
    assert grid.patch[2] * grid.spacing_mm[2] >= 128


def test_a_leg_trains_the_demo_s_network_on_its_grid_in_shorter_epochs() -> None:
    demo, leg = load_config("demo"), load_config("leg")
    assert leg.network == demo.network
    assert dataclasses.replace(leg.grid, warm_start_patch=(16, 96, 96), warm_start_batch=4) == demo.grid
    assert leg.schedule.steps_per_epoch < demo.schedule.steps_per_epoch
    assert (leg.sampling, leg.augmentation) == (demo.sampling, demo.augmentation)


@pytest.mark.parametrize("name", ["demo", "leg", "paper", "paper_nnunet", "tiny"])
def test_a_config_survives_the_way_through_the_plans(name: str) -> None:
    config = load_config(name)
    assert ModelConfig.from_dict(config.to_dict()) == config


def test_plans_from_before_the_augmentation_was_a_setting_still_read() -> None:
    content = load_config("demo").to_dict()
    del content["augmentation"], content["planner"], content["sampling"]["seed"], content["grid"]["gpu_memory_gb"]
    assert ModelConfig.from_dict(content) == load_config("demo")


def test_an_unknown_config_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingInvalid, match="allowed: demo, leg, paper, paper_nnunet, tiny, or the path"):
        load_config("huge")


def test_a_misspelt_setting_is_named() -> None:
    content = load_config("demo").to_dict()
    content["schedule"]["epoch"] = 3
    with pytest.raises(SettingInvalid, match=r"no such setting: schedule.epoch \(did you mean schedule.epochs\?\)"):
        ModelConfig.from_dict(content)


def test_a_patch_that_the_strides_do_not_divide_is_refused() -> None:
    config = load_config("demo")
    with pytest.raises(SettingInvalid, match="axis 0 a multiple of 4"):
        dataclasses.replace(config, grid=dataclasses.replace(config.grid, patch=(18, 128, 128)))


def test_a_level_without_a_kernel_is_refused() -> None:
    config = load_config("demo")
    with pytest.raises(SettingInvalid, match=r"network.kernel_sizes .* one entry per level \(5\)"):
        dataclasses.replace(config, network=dataclasses.replace(_network(config), kernel_sizes=((3, 3, 3),)))


def test_a_share_of_patches_beyond_all_of_them_is_refused() -> None:
    with pytest.raises(SettingInvalid, match=r"augmentation.gamma_share is 2; allowed: 0 to 1"):
        dataclasses.replace(load_config("demo"), augmentation=Augmentation(gamma_share=2))


def test_what_nnunets_planner_chooses_must_not_be_given_as_well() -> None:
    config = load_config("paper_nnunet")
    with pytest.raises(SettingInvalid, match=r"network is .* allowed: nothing with planner = nnunet"):
        dataclasses.replace(config, network=load_config("paper").network)
    with pytest.raises(SettingInvalid, match=r"grid.gpu_memory_gb is None; allowed: above 0"):
        dataclasses.replace(config, grid=Grid())


def test_without_nnunets_planner_the_config_must_give_the_sizes() -> None:
    with pytest.raises(SettingInvalid, match=r"grid.batch is None; allowed: given, or planner = nnunet"):
        dataclasses.replace(load_config("paper"), grid=Grid(patch=(20, 256, 224)))
