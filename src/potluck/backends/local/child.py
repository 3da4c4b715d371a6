"""One child process of the embedded engine: llama.cpp's HTTP server with one model.

``python -m potluck.backends.local.child``. The first line of stdin is its `Task` as JSON (not the command line, which
everybody on the machine can read: it holds the key). When the model is loaded, one line with the port goes to stdout.
When stdin ends, or the parent dies, so does the child.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import msgspec

from potluck.pixels.leash import die_with


class Task(msgspec.Struct, frozen=True):
    """What a child serves and how.

    ``context`` tokens for each of ``slots``; ``batch`` is how many tokens of a prompt are read at once. ``threads`` 0
    leaves it to llama.cpp. ``key`` is asked of everybody who connects. ``template`` stands in for the model's own where
    it is not empty. ``pooling`` (embedding only) is mean, cls, last, or empty for what the model says.
    """

    path: str
    alias: str
    key: str
    embedding: bool
    context: int
    slots: int
    batch: int
    threads: int
    parent: int
    template: str = ""
    pooling: str = ""
    compact_cache: bool = False


def main() -> int:
    """Serve until stdin ends. 1 if the model cannot be loaded; llama.cpp has said why on stderr."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    die_with(task.parent)
    try:
        server, port = _serve(task)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    del server
    return 0


def _serve(task: Task) -> tuple[object, int]:
    """The running server and its port. Raises `RuntimeError` if the model cannot be loaded."""
    # A heavy library without types, which this process alone needs, and only now that it is known to be wanted.
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = task.path
    params.model_alias = {task.alias}
    params.port = 0
    params.api_keys = [task.key]
    params.ui = False
    params.endpoint_slots = params.endpoint_props = True
    # llama.cpp shares its context among the slots.
    params.n_ctx = task.context * task.slots
    params.n_parallel = task.slots
    params.n_batch = params.n_ubatch = task.batch
    # A connection holds a thread while its call waits or runs; looks at /slots must get through beside them.
    params.n_threads_http = 2 * task.slots + 4
    # Prompts are kept in the slots; a store of 8 GB beside them, llama.cpp's default, is not for a small machine.
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.verbosity = 2  # warnings and errors: more would tell of prompts
    params.use_jinja = True
    if task.template:
        params.chat_template = task.template
    if task.threads:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = task.threads
    if task.compact_cache:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    if task.embedding:
        params.embedding = True
        if task.pooling:
            params.pooling_type = xllamacpp.llama_pooling_type[f"LLAMA_POOLING_TYPE_{task.pooling.upper()}"]
    server = xllamacpp.Server(params)
    return server, int(server.listening_address.rpartition(":")[2])


if __name__ == "__main__":
    # Not sys.exit: llama.cpp's threads may hold the interpreter's end up while a call runs.
    code = main()
    sys.stderr.flush()
    os._exit(code)
