"""The appliance: reads a pelvic MRI, infers, measures, decides and answers. Never imports torch or nnunetv2."""
