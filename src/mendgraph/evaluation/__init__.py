"""Whole graphs measured against baselines."""
