"""Many cases in one run: which they are, which are done already, and the table of what came of them."""
