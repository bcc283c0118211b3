"""Synthetic axial T2-weighted pelvic MRI with exact truth: anatomy, acquisition, labels and node table."""
