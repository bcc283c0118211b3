"""A hospital's own data taken in: DICOM series and masks, paired, checked one by one, written for nnU-Net."""
