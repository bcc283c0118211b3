"""From trained folds to a signed model bundle."""
