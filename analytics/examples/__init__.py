"""Example inputs: simulated data and figures from a published paper; never results of real patients of this project."""
