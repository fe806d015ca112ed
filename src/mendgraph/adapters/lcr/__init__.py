"""Checkpoints of a conflict system, ours or LCR's, loaded with checks of machine, files and calibration."""
