"""The nodes of a cascade, from state to partial state, and the builder that lays them out."""
