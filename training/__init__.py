"""From images and masks to five nnU-Net folds."""
