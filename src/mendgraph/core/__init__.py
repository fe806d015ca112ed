"""Values, confidence, calibration, policy, text and metrics: pure functions without files, clock, network or torch."""
