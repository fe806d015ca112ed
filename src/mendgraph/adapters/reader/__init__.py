"""A causal language model that answers a question from documents, opened at one of its layers."""
