"""The graphs, one file per system: its state and `build()`."""
