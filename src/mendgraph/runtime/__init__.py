"""What a run relies on beyond models: the journal of its answers."""
