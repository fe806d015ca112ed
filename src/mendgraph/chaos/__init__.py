"""Faults under load: real rows through a real graph while its tiers break, and a count of what became of each."""
