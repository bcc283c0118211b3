"""Inference: from a canonical volume to a segmentation, as nnU-Net v2 does it, without nnU-Net and torch."""
