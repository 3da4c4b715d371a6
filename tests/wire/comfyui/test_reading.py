from __future__ import annotations

import struct

import msgspec
import pytest

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ControlKind
from potluck.core.pictures.catalogue import Feature, Loader, Memory
from potluck.wire.comfyui.messages import Message, Preview, What, read_frame, read_message
from potluck.wire.comfyui.reading import (
    Classes,
    Ended,
    History,
    Output,
    Queue,
    Refused,
    Stats,
    is_out_of_memory,
    read_catalogue,
    read_history,
    read_memory,
)
from potluck.wire.comfyui.tracking import Tracker

GIB = 2**30


def stats(*devices: dict[str, object]) -> Stats:
    return msgspec.convert({"system": {"comfyui_version": "0.3.75"}, "devices": list(devices)}, Stats)


def test_what_torch_could_use_again_is_nobody_elses() -> None:
    device = {
        "type": "cuda",
        "vram_total": 24 * GIB,
        "vram_free": 20 * GIB,
        "torch_vram_total": 6 * GIB,
        "torch_vram_free": 2 * GIB,
    }
    assert read_memory(stats({"type": "cpu", "vram_total": 8 * GIB}, device)) == Memory(24 * GIB, 18 * GIB, 6 * GIB)
    assert read_memory(stats()) is None


def class_of(**inputs: object) -> dict[str, object]:
    return {"input": {"required": inputs}}


def test_an_engines_lists_are_its_nodes_choices_in_both_forms() -> None:
    told = {
        "CheckpointLoaderSimple": class_of(ckpt_name=[["a/sd_xl.safetensors"]]),
        "UNETLoader": class_of(unet_name=["COMBO", {"options": ["flux1-dev.safetensors", 7]}]),
        "LoraLoader": class_of(lora_name=[["ink.safetensors", 7]]),
        "VAELoader": class_of(vae_name=[["ae.safetensors"]]),
        "DualCLIPLoader": class_of(clip_name1=[["clip_l.safetensors"]]),
        "UpscaleModelLoader": class_of(model_name=[["4x-UltraSharp.pth", "RealESRGAN_x2.pth", "unknown.pth"]]),
        "ImageUpscaleWithModel": {},
        "ControlNetLoader": class_of(control_net_name=[["canny.pth"]]),
        "ControlNetApplyAdvanced": {},
        "KSampler": class_of(sampler_name=[["euler"]], scheduler=["STRING", {}]),
        "CannyEdgePreprocessor": {},
    }
    has = read_catalogue(msgspec.convert(told, Classes), stats(), frozenset({"mine"}))
    assert has.kind is EngineKind.COMFYUI
    assert [(each.name, each.loader) for each in has.checkpoints] == [
        ("sd_xl", Loader.CHECKPOINT),
        ("flux1-dev", Loader.DIFFUSION),
    ]
    assert [each.name for each in has.loras] == ["ink"]
    assert [each.file for each in has.encoders] == ["clip_l.safetensors"]
    assert {each.name: each.scale for each in has.upscalers}["4x-UltraSharp"] == 4.0
    assert {each.name: each.scale for each in has.upscalers}["RealESRGAN_x2"] == 2.0
    assert has.upscalers[-1].scale is None
    assert has.preprocessors == {ControlKind.CANNY: "CannyEdgePreprocessor"}
    assert (has.samplers, has.schedulers) == (("euler",), ())
    assert Feature.CONTROLNET in has.features
    assert Feature.UPSCALE not in has.features
    assert has.workflows == {"mine"}


def test_an_engine_without_upscaling_by_models_lists_none() -> None:
    told = {"UpscaleModelLoader": class_of(model_name=[["4x.pth"]])}
    has = read_catalogue(msgspec.convert(told, Classes), stats())
    assert "4x" not in {each.name for each in has.upscalers}


def history(outputs: object, status: object) -> History:
    return msgspec.convert({"id": {"outputs": outputs, "status": status}}, History)


def test_kept_pictures_come_before_shown_ones() -> None:
    shown = {"images": [{"filename": "a.png", "type": "temp"}]}
    kept = {"images": [{"filename": "b.png", "subfolder": "x", "type": "output"}]}
    ended = read_history(history({"1": shown, "2": kept, "3": {"text": ["hi"]}}, None), "id")
    assert ended == Ended((Output("b.png", "x", "output"), Output("a.png", "", "temp")))
    assert read_history({}, "id") is None


@pytest.mark.parametrize(
    ("messages", "ended"),
    [
        (
            [["execution_start", {}], ["execution_error", {"exception_type": "OOM", "exception_message": "no room"}]],
            Ended(failed=True, kind="OOM", text="no room"),
        ),
        ([["execution_interrupted", {}]], Ended(failed=True, stopped=True)),
        ([["execution_start", {}]], Ended(failed=True)),
        ([], Ended(failed=True)),
    ],
)
def test_how_a_prompt_failed_stands_in_its_history(messages: list[object], ended: Ended) -> None:
    assert read_history(history({}, {"status_str": "error", "messages": messages}), "id") == ended


def test_a_queue_tells_whose_turn_it_is() -> None:
    queue = msgspec.convert(
        {"queue_running": [[0, "a"], [1]], "queue_pending": [[5, "c"], [2, "b"], ["?", "d"], []]}, Queue
    )
    assert queue.running == ("a",)
    assert queue.pending == ("d", "b", "c")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {
                "error": {"type": "x", "message": "failed"},
                "node_errors": {
                    "1": {"class_type": "A", "errors": []},
                    "3": {"class_type": "Loader", "errors": [{"message": "Value not in list", "details": "ckpt_name"}]},
                },
            },
            "Loader: Value not in list (ckpt_name)",
        ),
        ({"error": {"message": "failed", "details": "why"}, "node_errors": []}, "failed why"),
        ({"error": "failed", "node_errors": {}}, "failed"),
    ],
)
def test_a_refusal_is_told_in_words(body: dict[str, object], told: str) -> None:
    assert msgspec.convert(body, Refused).told() == told


def test_memory_that_did_not_do_is_told_in_many_words() -> None:
    assert is_out_of_memory("torch.OutOfMemoryError", "")
    assert is_out_of_memory("RuntimeError", "MPS backend out of memory")
    assert not is_out_of_memory("RuntimeError", "mat1 and mat2 shapes cannot be multiplied")


# --- messages ---------------------------------------------------------------------------------------------------------


def message(kind: str, **data: object) -> Message | None:
    return read_message(msgspec.json.encode({"type": kind, "data": data}).decode())


def test_messages_say_how_far_a_prompt_is() -> None:
    assert message("execution_start", prompt_id="p", timestamp=1) == Message(What.BEGAN, "p")
    assert message("executing", prompt_id="p", node="3") == Message(What.AT, "p", "3")
    assert message("executing", prompt_id="p", node=None) == Message(What.ENDED, "p")
    assert message("progress", prompt_id="p", node="3", value=2, max=20) == Message(What.STEP, "p", "3", 2, 20)
    failed = message("execution_error", prompt_id="p", node_id=3, exception_type="X", exception_message="why")
    assert failed == Message(What.FAILED, "p", "3", kind="X", text="why")
    assert message("status", status={}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"progress","data":{"value":"x"}}', "\ud800"])
def test_what_is_no_message_says_nothing(text: str) -> None:
    assert read_message(text) is None


def test_previews_come_with_and_without_whose_they_are() -> None:
    assert read_frame(struct.pack(">II", 1, 1) + b"jpeg") == Preview(b"jpeg")
    about = b'{"prompt_id":"p"}'
    assert read_frame(struct.pack(">II", 4, len(about)) + about + b"jpeg") == Preview(b"jpeg", "p")


@pytest.mark.parametrize(
    "frame", [b"", struct.pack(">II", 3, 0), struct.pack(">II", 4, 99), struct.pack(">II", 4, 1) + b"{"]
)
def test_frames_that_are_no_pictures_are_left_aside(frame: bytes) -> None:
    assert read_frame(frame) is None


def test_a_tracker_counts_the_steps_of_all_samplers() -> None:
    tracker = Tracker("p", 8)
    assert tracker.preview(b"x") is None
    began = tracker.take(Message(What.BEGAN, "p"))
    assert began is not None
    assert began.what == "loading"
    assert tracker.take(Message(What.AT, "p", "1")) is None
    told = [tracker.take(Message(What.STEP, "p", node, step, 4)) for node in "12" for step in range(1, 5)]
    assert [each.step for each in told if each] == [1, 2, 3, 4, 5, 6, 7, 8]
    preview = tracker.preview(b"x")
    assert preview is not None
    assert (preview.step, preview.preview) == (8, b"x")
    assert tracker.take(Message(What.ENDED, "p")) is None
    assert tracker.ended


def test_a_sampler_that_was_broken_off_counts_nothing_and_unknown_totals_are_the_engines() -> None:
    tracker = Tracker("p", 0)
    tracker.take(Message(What.STEP, "p", "1", 2, 4))
    told = tracker.take(Message(What.STEP, "p", "2", 1, 10))
    assert told is not None
    assert (told.step, told.steps) == (1, 10)


def test_anothers_prompt_that_begins_ends_our_previews() -> None:
    tracker = Tracker("p", 4)
    tracker.take(Message(What.BEGAN, "p"))
    assert tracker.take(Message(What.STEP, "other", "1", 1, 4)) is None
    assert tracker.preview(b"x") is not None
    tracker.take(Message(What.BEGAN, "other"))
    assert tracker.preview(b"x") is None
