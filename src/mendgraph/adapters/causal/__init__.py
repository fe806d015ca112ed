"""Several causal language models, or adapters over one, that write one text together, token by token."""
