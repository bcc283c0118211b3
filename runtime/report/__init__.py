"""The report for people: one self-contained HTML page and one PDF per case, with the same words and figures."""
