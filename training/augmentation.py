"""What a patch goes through before a step: light, and never mirrored."""

from typing import Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.base.basic_transform import ImageOnlyTransform
from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from batchgeneratorsv2.transforms.utils.deep_supervision_downsampling import DownsampleSegForDSTransform
from batchgeneratorsv2.transforms.utils.pseudo2d import Convert2DTo3DTransform, Convert3DTo2DTransform
from batchgeneratorsv2.transforms.utils.random import RandomTransform
from batchgeneratorsv2.transforms.utils.remove_label import RemoveLabelTansform

from training.config import Augmentation


class BiasField(ImageOnlyTransform):  # type: ignore[misc]  # batchgeneratorsv2 is untyped
    """Brightness that falls off across the patch, as near a surface coil.

    The patch is z-scored, so the field multiplies its distance from the darkest voxel.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength
        """Largest relative change of the signal towards one edge of the patch."""

    def get_parameters(self, **data_dict: Any) -> dict[str, Any]:
        """Draw a slope per axis (z, y, x)."""
        return {"slopes": (torch.rand(3) * 2 - 1) * self.strength}

    def _apply_to_image(self, image: torch.Tensor, **params: Any) -> torch.Tensor:
        field = torch.ones((), dtype=image.dtype)
        for axis, slope in enumerate(params["slopes"]):
            ramp = torch.linspace(-1, 1, image.shape[axis + 1]) * slope
            field = field * (1 + ramp).view([-1 if k == axis else 1 for k in range(3)])
        floor = image.amin()
        return (image - floor) * field[None] + floor


def training_transforms(
    patch: tuple[int, ...], deep_supervision_scales: list[list[float]] | None, flat: bool, settings: Augmentation
) -> Any:
    """Return the chain for one patch: rotate, zoom, then what else the settings ask for.

    `flat` rotates and zooms within the slices only, for patches much thinner than wide.
    """
    turn = _turn(patch[1:] if flat else patch, settings)
    spatial = [Convert3DTo2DTransform(), turn, Convert2DTo3DTransform()] if flat else [turn]
    last = [RemoveLabelTansform(-1, 0)]
    if deep_supervision_scales is not None:
        last.append(DownsampleSegForDSTransform(ds_scales=deep_supervision_scales))
    drawn = [
        RandomTransform(transform, apply_probability=share) for transform, share in _intensity(settings) if share > 0
    ]
    return ComposeTransforms([*spatial, *drawn, *last])


def _turn(patch: tuple[int, ...], settings: Augmentation) -> Any:
    rotation_rad = float(np.radians(settings.rotation_deg))
    return SpatialTransform(
        patch,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=0,
        p_rotation=settings.rotation_share,
        rotation=(-rotation_rad, rotation_rad),
        p_scaling=settings.scaling_share,
        scaling=settings.scaling,
        p_synchronize_scaling_across_axes=1,
        bg_style_seg_sampling=False,
        border_mode_seg="constant",
        padding_value_seg=-1,
    )


def _intensity(settings: Augmentation) -> list[tuple[Any, float]]:
    """Return each change of the signal with the share of patches that it meets."""
    channel = {"synchronize_channels": False, "p_per_channel": 1}
    noise = GaussianNoiseTransform((0, settings.noise_variance), p_per_channel=1, synchronize_channels=True)
    gamma = GammaTransform(settings.gamma, p_invert_image=0, p_retain_stats=1, **channel)
    return [
        (BiasField(settings.bias_field), settings.bias_field_share),
        (noise, settings.noise_share),
        (MultiplicativeBrightnessTransform(settings.brightness, **channel), settings.brightness_share),
        (ContrastTransform(settings.contrast, preserve_range=True, **channel), settings.contrast_share),
        (gamma, settings.gamma_share),
    ]
