"""Durable jobs: many rows, each answered exactly once, whatever kills the process in between.

A job is one SQLite file.  Rows go through the graph in chunks of fixed boundaries, so that the composition of every
batch, and with it every bit of the scores, is that of an uninterrupted run.  A chunk's answers are committed in one
transaction; what is committed is never computed again.  The output is written at the end, from the file.
"""
