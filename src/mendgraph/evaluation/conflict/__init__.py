"""How well conflicts are found, typed and resolved, beside baselines."""
