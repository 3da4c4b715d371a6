"""llama.cpp's server on the shipped weights, at a port that stays: ``python -m benchmarks.kills.server PORT THREADS``.

Says ``ready`` when its model is loaded, and ends with its stdin.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from potluck.backends.local.library import shipped_weights

ALIAS = "smol"
CONTEXT_TOKENS = 1024


def main(port: int, threads: int) -> None:
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(shipped_weights())
    params.model_alias = {ALIAS}
    params.port = port
    params.ui = False
    params.endpoint_slots = params.endpoint_props = True
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = 256
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.verbosity = 1
    params.use_jinja = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    print("ready", flush=True)
    sys.stdin.buffer.read()
    del server
    # llama.cpp's threads may hold the interpreter's end up while a call runs.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
