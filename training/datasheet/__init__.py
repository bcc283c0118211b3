"""What a dataset holds, for people: one page with counts, spacings, scanners, node sizes, rejected cases, pictures."""
