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

ROTATION_RAD = float(np.radians(15))
"""In-plane rotation: patients lie rolled by up to 10 degrees."""

SCALING = (0.8, 1.25)
"""In-plane zoom."""


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


def training_transforms(patch: tuple[int, ...], deep_supervision_scales: list[list[float]] | None, flat: bool) -> Any:
    """Return the chain for one patch: rotate, zoom, bias field, noise, brightness, contrast, gamma.

    `flat` rotates and zooms within the slices only, for patches much thinner than wide.
    """
    turn = SpatialTransform(
        patch[1:] if flat else patch,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=0,
        p_rotation=0.3,
        rotation=(-ROTATION_RAD, ROTATION_RAD),
        p_scaling=0.3,
        scaling=SCALING,
        p_synchronize_scaling_across_axes=1,
        bg_style_seg_sampling=False,
        border_mode_seg="constant",
        padding_value_seg=-1,
    )
    spatial = [Convert3DTo2DTransform(), turn, Convert2DTo3DTransform()] if flat else [turn]
    intensity = [
        (BiasField(0.3), 0.3),
        (GaussianNoiseTransform(noise_variance=(0, 0.05), p_per_channel=1, synchronize_channels=True), 0.15),
        (MultiplicativeBrightnessTransform((0.8, 1.25), synchronize_channels=False, p_per_channel=1), 0.2),
        (ContrastTransform((0.8, 1.25), preserve_range=True, synchronize_channels=False, p_per_channel=1), 0.2),
        (
            GammaTransform(
                (0.75, 1.4), p_invert_image=0, synchronize_channels=False, p_per_channel=1, p_retain_stats=1
            ),
            0.2,
        ),
    ]
    last = [RemoveLabelTansform(-1, 0)]
    if deep_supervision_scales is not None:
        last.append(DownsampleSegForDSTransform(ds_scales=deep_supervision_scales))
    drawn = [RandomTransform(transform, apply_probability=probability) for transform, probability in intensity]
    return ComposeTransforms([*spatial, *drawn, *last])
