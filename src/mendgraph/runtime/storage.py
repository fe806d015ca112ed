"""Trouble with the database of a checkpointer."""

from __future__ import annotations

import sqlite3
import sys


def storage_errors() -> tuple[type[Exception], ...]:
    """What LangGraph's savers raise when their database is locked, full, damaged or gone.

    Asked for when an error is on its way, so that a driver counts only where its saver is in use.
    """
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error, psycopg.Error) if psycopg is not None else (sqlite3.Error,)
