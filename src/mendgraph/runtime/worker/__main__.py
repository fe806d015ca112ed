"""``python -m mendgraph.runtime.worker``: a worker process, started by `process.ProcessChannel` and by nobody else."""

from __future__ import annotations

import sys

from mendgraph.runtime.worker.child import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
