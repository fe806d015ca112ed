"""Tiers in worker processes: what hangs is killed, what dies is replaced, and the caller lives on."""
