"""Pairs of real sentences and passages that contradict each other because one of them was changed."""
