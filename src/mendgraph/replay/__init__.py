"""Recorded runs once more: the same again, bit for bit, or as they would have gone under other settings."""
