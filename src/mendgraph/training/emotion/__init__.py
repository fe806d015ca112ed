"""Emotion: its data sets, training and reports."""
