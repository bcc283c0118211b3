"""Simulated multi-centre cohorts whose true parameters are known: no patient, no image, no model stands behind them."""
