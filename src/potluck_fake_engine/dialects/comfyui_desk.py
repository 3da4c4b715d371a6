"""ComfyUI's queue, its one worker, its sockets and its files: what happens in which order.

Sources: API-CONTRACTS.md 7; ComfyUI ``execution.py``, ``main.py`` (`prompt_worker`) and ``server.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from PIL import Image

from potluck_fake_engine import art
from potluck_fake_engine.dialects import comfyui_run as run
from potluck_fake_engine.dialects.comfyui_nodes import classes, model_of
from potluck_fake_engine.engine import Desk, Engine
from potluck_fake_engine.faults import Fault, FaultKind
from potluck_fake_engine.websocket import WebSocket

_PREVIEW, _PREVIEW_WITH_METADATA = 1, 4
_JPEG, _PNG = 1, 2
_HISTORY = 10_000
_MEGAPIXEL = 1e6
_UNLIMITED = 24 * 2**30
_OOM = (
    "Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated     : 7.42 GiB\n"
    "Requested               : 512.00 MiB\nDevice limit            : 8.00 GiB"
)


@dataclass(slots=True)
class Prompt:
    """``number`` is its place: the least is next."""

    number: float
    id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    outputs: list[str]
    interrupted: bool = False
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    results: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def client(self) -> str:
        return str(self.extra.get("client_id") or "")

    def listed(self) -> list[Any]:
        return [self.number, self.id, self.graph, self.extra, self.outputs]


@dataclass(slots=True)
class Listener:
    socket: WebSocket
    metadata: bool = False


class Failed(Exception):
    """A node did."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Interrupted(Exception):
    """Somebody stopped the prompt."""


class Comfy(Desk):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.waiting: list[Prompt] = []
        self.running: Prompt | None = None
        self.history: dict[str, dict[str, Any]] = {}
        self.listeners: dict[str, Listener] = {}
        self.files: dict[tuple[str, str, str], bytes] = {}
        """By type, subfolder and name."""
        self.counter = 0
        self.cache: dict[str, run.Values] = {}
        self.shown: dict[str, dict[str, Any]] = {}
        self.cached_bytes = 0
        self.last_node = ""
        self._woken = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def forget(self) -> None:
        """The process died and came back: queue and history were in its memory."""
        self.waiting.clear()
        self.history.clear()
        self.listeners.clear()
        self.cache.clear()
        self.shown.clear()
        self.cached_bytes = 0

    # --- the queue ---

    def put(self, prompt: Prompt) -> None:
        self.waiting.append(prompt)
        self.waiting.sort(key=lambda each: each.number)
        self._woken.set()
        if self._worker is None or self._worker.done():
            self._worker = self.engine.loop.create_task(self._work())
        self.tell_status()

    def remaining(self) -> int:
        return len(self.waiting) + (self.running is not None)

    def tell_status(self, listener: Listener | None = None, sid: str = "") -> None:
        data: dict[str, Any] = {"status": {"exec_info": {"queue_remaining": self.remaining()}}}
        if sid:
            data["sid"] = sid
        if listener is not None:
            _send(listener, "status", data)
        else:
            self.send("status", data, "")

    def interrupt(self, id_: str) -> None:
        """Stop what runs; with an id only that."""
        if self.running is not None and id_ in ("", self.running.id):
            self.running.interrupted = True
            self._woken.set()

    # --- sockets ---

    def send(self, kind: str, data: Mapping[str, Any], client: str) -> None:
        """To a client, or to everybody."""
        for sid, listener in list(self.listeners.items()):
            if not client or sid == client:
                _send(listener, kind, data)

    def send_preview(self, image: Image.Image, prompt: Prompt, node: str) -> None:
        picture = art.encoded(image, "jpeg")
        told = {
            "node_id": node,
            "display_node_id": node,
            "real_node_id": node,
            "parent_node_id": None,
            "prompt_id": prompt.id,
            "image_type": "image/jpeg",
        }
        head = msgspec.json.encode(told)
        for sid, listener in list(self.listeners.items()):
            if prompt.client and sid != prompt.client:
                continue
            if listener.metadata:
                frame = struct.pack(">II", _PREVIEW_WITH_METADATA, len(head)) + head + picture
            else:
                frame = struct.pack(">II", _PREVIEW, _JPEG) + picture
            listener.socket.send_binary(frame)

    def send_picture(self, image: Image.Image, prompt: Prompt) -> None:
        """What SaveImageWebsocket does."""
        frame = struct.pack(">II", _PREVIEW, _PNG) + art.png(image)
        for sid, listener in list(self.listeners.items()):
            if not prompt.client or sid == prompt.client:
                listener.socket.send_binary(frame)

    def _note(self, prompt: Prompt, kind: str, data: dict[str, Any], *, broadcast: bool = False) -> None:
        data = {**data, "prompt_id": prompt.id, "timestamp": int(time.time() * 1000)}
        prompt.messages.append((kind, data))
        if prompt.client or broadcast:
            self.send(kind, data, "" if broadcast else prompt.client)

    # --- the worker ---

    async def _work(self) -> None:
        while True:
            while not self.waiting:
                self._woken.clear()
                await self._woken.wait()
            prompt = self.running = self.waiting.pop(0)
            try:
                died = await self._execute(prompt)
            finally:
                self.running = None
            if died:
                continue
            self.history[prompt.id] = self._written(prompt)
            while len(self.history) > _HISTORY:
                del self.history[next(iter(self.history))]
            self.tell_status()
            if prompt.client:
                self.send("executing", {"node": None, "prompt_id": prompt.id}, prompt.client)
            self.last_node = ""

    def _written(self, prompt: Prompt) -> dict[str, Any]:
        ended = prompt.messages[-1][0]
        status = {
            "status_str": "success" if ended == "execution_success" else "error",
            "completed": ended == "execution_success",
            "messages": prompt.messages,
        }
        meta = {
            node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
            for node in prompt.results
        }
        return {"prompt": prompt.listed(), "outputs": prompt.results, "status": status, "meta": meta}

    async def _execute(self, prompt: Prompt) -> bool:
        """Whether the process died of it."""
        self.engine.counters.started += 1
        self._note(prompt, "execution_start", {})
        order = run.ordered(prompt.graph, prompt.outputs)
        signs = run.signatures(prompt.graph, order)
        values = {node: self.cache[signs[node]] for node in order if signs[node] in self.cache}
        self._note(prompt, "execution_cached", {"nodes": list(values)})
        executed: list[str] = []
        node = ""
        try:
            for node in order:
                await self._node(prompt, node, signs[node], values)
                executed.append(node)
        except Interrupted:
            self.engine.counters.cancelled += 1
            told = {"node_id": node, "node_type": prompt.graph[node]["class_type"], "executed": executed}
            self._note(prompt, "execution_interrupted", told, broadcast=True)
        except Failed as failed:
            self._note(prompt, "execution_error", _failure(prompt, node, executed, failed))
        except _Died as died:
            self.forget()
            self.engine.die(died.seconds)
            return True
        else:
            self.engine.counters.finished += 1
            self._note(prompt, "execution_success", {})
        kept = set(signs.values())
        self.cache = {sign: value for sign, value in self.cache.items() if sign in kept}
        return False

    async def _node(self, prompt: Prompt, node: str, sign: str, values: dict[str, run.Values]) -> None:
        told = prompt.graph[node]
        kind = told["class_type"]
        if node in values:
            if sign in self.shown:
                self._show(prompt, node, self.shown[sign])
            return
        self.last_node = node
        if prompt.client:
            data = {"node": node, "display_node": node, "prompt_id": prompt.id}
            self.send("executing", data, prompt.client)
        await asyncio.sleep(0)
        if prompt.interrupted:
            raise Interrupted
        ins = run.given(told, values)
        if kind == "KSampler":
            values[node] = (await self._sample(prompt, node, ins),)
        elif kind in ("SaveImage", "PreviewImage", "SaveImageWebsocket"):
            values[node] = ()
            shown = self._save(prompt, kind, ins)
            if shown:
                self.shown[sign] = shown
                self._show(prompt, node, shown)
        else:
            if kind in ("CheckpointLoaderSimple", "UNETLoader"):
                await self._load(str(ins.get("ckpt_name") or ins.get("unet_name")))
            if kind == "ImageUpscaleWithModel":
                await self._tiles(prompt, node, ins)
            values[node] = run.work(kind, ins, self.open)
        self.cache[sign] = values[node]

    async def _load(self, file: str) -> None:
        model = self.engine.models[model_of(self.engine, file)]
        limit = self.engine.memory.limit
        if limit is not None and model.spec.loaded_bytes > limit:
            raise Failed("torch.OutOfMemoryError", _OOM)
        async with self.engine.hold(model):
            pass

    async def _sample(self, prompt: Prompt, node: str, ins: Mapping[str, Any]) -> run.Latent:
        model = self.engine.models[model_of(self.engine, ins["model"].name)]
        fault = self.engine.faults.at_work(model.spec.name)
        latent: run.Latent = ins["latent_image"]
        size = latent.width * latent.height * latent.batch / _MEGAPIXEL
        async with self.engine.hold(model):
            async for step in run.sample(ins):
                if isinstance(step, run.Latent):
                    self.cached_bytes = 2**30
                    return step
                await self._paced(prompt, model.spec.step_s * size)
                _strike(fault, step.value)
                self._progress(prompt, node, step.value, step.most)
                if step.preview is not None:
                    self.send_preview(step.preview, prompt, node)
        raise Failed("RuntimeError", "nothing was sampled")

    async def _tiles(self, prompt: Prompt, node: str, ins: Mapping[str, Any]) -> None:
        width, height = ins["image"][0].size
        tiles = max(1, -(-width // 512)) * max(1, -(-height // 512))
        fault = self.engine.faults.at_work("")
        for tile in range(1, tiles + 1):
            await self._paced(prompt, 0.0)
            _strike(fault, tile)
            self._progress(prompt, node, tile, tiles)

    async def _paced(self, prompt: Prompt, seconds: float) -> None:
        self._woken.clear()
        if seconds > 0:
            until = self.engine.now() + seconds / self.engine.settings.speed
            while not prompt.interrupted and (left := until - self.engine.now()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._woken.wait()
                self._woken.clear()
        else:
            await asyncio.sleep(0)
        if prompt.interrupted:
            raise Interrupted

    def _progress(self, prompt: Prompt, node: str, value: int, most: int) -> None:
        state = {
            "value": value,
            "max": most,
            "state": "finished" if value == most else "running",
            "node_id": node,
            "prompt_id": prompt.id,
            "display_node_id": node,
            "parent_node_id": None,
            "real_node_id": node,
        }
        self.send("progress_state", {"prompt_id": prompt.id, "nodes": {node: state}}, prompt.client)
        self.send("progress", {"value": value, "max": most, "prompt_id": prompt.id, "node": node}, prompt.client)

    # --- files ---

    def open(self, name: str) -> bytes:
        """``folder/name [type]``; the input folder without a type."""
        bare, _, kind = name.partition(" [")
        folder, _, file = bare.rpartition("/")
        try:
            return self.files[kind.rstrip("]") or "input", folder, file]
        except KeyError as exc:
            raise Failed("FileNotFoundError", f"[Errno 2] No such file or directory: {bare!r}") from exc

    def exists(self, name: str) -> bool:
        try:
            self.open(name)
        except Failed:
            return False
        return True

    def inputs(self) -> list[str]:
        return [name for kind, folder, name in self.files if kind == "input" and not folder]

    def _save(self, prompt: Prompt, kind: str, ins: Mapping[str, Any]) -> dict[str, Any]:
        images: list[Image.Image] = ins["images"]
        if kind == "SaveImageWebsocket":
            for image in images:
                self.send_picture(image, prompt)
            return {}
        where = "output" if kind == "SaveImage" else "temp"
        folder, _, prefix = str(ins.get("filename_prefix", "ComfyUI_temp_fake")).rpartition("/")
        workflow: dict[str, Any] = prompt.extra.get("extra_pnginfo") or {}
        texts = {"prompt": _json(prompt.graph), **{key: _json(value) for key, value in workflow.items()}}
        shown: list[dict[str, str]] = []
        for image in images:
            name = f"{prefix}_{len(self.files) + 1:05}_.png"
            self.files[where, folder, name] = art.png(image, texts)
            shown.append({"filename": name, "subfolder": folder, "type": where})
        return {"images": shown}

    def _show(self, prompt: Prompt, node: str, shown: dict[str, Any]) -> None:
        prompt.results[node] = shown
        if prompt.client:
            data = {"node": node, "display_node": node, "output": shown, "prompt_id": prompt.id}
            self.send("executed", data, prompt.client)

    # --- what it tells of itself ---

    def table(self) -> dict[str, dict[str, Any]]:
        return classes(self.engine, self.inputs())

    def memory(self) -> tuple[int, int, int, int]:
        """Total, free, torch's total and torch's free, in bytes: what is free counts what torch could use again."""
        total = self.engine.memory.limit or _UNLIMITED
        used = min(total, self.engine.memory.used())
        reserved = min(total, used + self.cached_bytes)
        return total, total - reserved + (reserved - used), reserved, reserved - used

    def free(self, *, models: bool, cache: bool) -> None:
        if models:
            for name in list(self.engine.memory.runners):
                self.engine.unload(name)
        if cache:
            self.cache.clear()
            self.shown.clear()
        self.cached_bytes = 0


class _Died(Exception):
    def __init__(self, seconds: float | None) -> None:
        super().__init__("died")
        self.seconds = seconds


def _strike(fault: Fault | None, step: int) -> None:
    if fault is None or step <= fault.after:
        return
    if fault.kind is FaultKind.DIE:
        raise _Died(fault.seconds)
    raise Failed("torch.OutOfMemoryError", _OOM)


def _failure(prompt: Prompt, node: str, executed: list[str], failed: Failed) -> dict[str, Any]:
    return {
        "node_id": node,
        "node_type": prompt.graph[node]["class_type"],
        "executed": executed,
        "exception_message": str(failed),
        "exception_type": failed.kind,
        "traceback": ['  File "/opt/ComfyUI/execution.py", line 518, in execute\n'],
        "current_inputs": {},
        "current_outputs": executed,
    }


def _send(listener: Listener, kind: str, data: Mapping[str, Any]) -> None:
    listener.socket.send_text(_json({"type": kind, "data": data}))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
