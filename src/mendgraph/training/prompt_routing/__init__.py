"""Training of the prompt router: outcome tables, comparisons, embeddings of LLMs, and heads."""
