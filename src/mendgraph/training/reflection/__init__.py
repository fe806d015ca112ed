"""Reflection: data, training and cross-validation of the counsellor-reflection scorer."""
