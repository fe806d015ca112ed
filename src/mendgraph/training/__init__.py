"""Data preparation, losses and trainers; runs on bare machines, without langgraph and loguru."""
