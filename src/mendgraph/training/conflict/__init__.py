"""Claim sets, the classifier of conflict types, and what the conflict graph is trained and measured on."""
