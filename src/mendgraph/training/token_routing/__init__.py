"""Router heads of the token routing graph: data, hidden states, losses, training."""
