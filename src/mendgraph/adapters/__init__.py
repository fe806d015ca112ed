"""The edges: models, files and the hub behind the tier protocol, their foreign errors renamed."""
