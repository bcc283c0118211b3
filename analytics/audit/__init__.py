"""The audit of a paper's figures: which claims cannot be true together, each judged within its rounding."""
