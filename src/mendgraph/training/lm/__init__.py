"""Language models of our own: corpus, tokenizer, base and experts.  Only `cards` and `command` need pydantic."""
