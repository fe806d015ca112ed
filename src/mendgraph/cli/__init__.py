"""The command `mend` and its REPL: the only part of the package that prints."""
