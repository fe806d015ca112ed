"""Embeddings of LLMs: one vector each, from what they answered or from how they did."""
