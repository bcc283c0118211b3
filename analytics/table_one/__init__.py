"""Table 1: patients' characteristics by any grouping, with named tests and standardised differences."""
