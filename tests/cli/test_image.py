"""``potluck image``."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
import typer

from potluck.cli.client import Client
from potluck.cli.drawing import Drawing, PictureJob, Show, bar
from potluck.cli.graphics import Graphics
from potluck.cli.image import _waited
from potluck.cli.picture_jobs import free, names
from potluck.cli.progress import Progress
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Stream, Whole, event
from tests.pixels.pictures import as_file, picture

PNG = as_file(picture())
JOB = "/api/v1/image/jobs/j1"


def image_info(number: int = 0, **more: Any) -> dict[str, Any]:
    plain = {
        "id": f"i{number}", "content": f"/api/v1/images/i{number}/content", "width": 64, "height": 48,
        "seed": 7 + number, "model": "sd15", "node": "agx0", "seconds": 2.5, "media_type": "image/png",
    }  # fmt: skip
    return {**plain, **more}


def job(state: str = "done", images: int = 1, **more: Any) -> dict[str, Any]:
    there = [image_info(number) for number in range(images)] if state == "done" else []
    return {"id": "j1", "state": state, "done": len(there), "total": images, "position": None, "images": there, **more}


@pytest.fixture
def drawing(service: FakeService) -> FakeService:
    """One that draws two pictures."""
    service.on("POST /api/v1/image/generate", Whole(job("queued", 2), 202))
    looks = iter([Whole(job("queued", 2, position=3)), Whole(job("done", 2))])
    service.on(f"GET {JOB}", lambda _: next(looks, Whole(job("done", 2))))
    told = {"index": 1, "step": 5, "steps": 20, "share": 0.6, "eta_s": 4, "what": "drawing", "node": "agx0"}
    service.on(
        f"GET {JOB}/events", Stream((event("position", {"position": 2}), event("progress", told), event("other", {})))
    )
    for number in range(2):
        service.on(f"GET /api/v1/images/i{number}/content", Stream((PNG,), "image/png"))
    return service


def test_pictures_are_drawn_and_written(drawing: FakeService, ask: Run, tmp_path: Path) -> None:
    out = tmp_path / "fox.png"
    told = ask(
        "image", "a red fox", "-o", str(out), "-n", "dogs", "--size", "768x512", "--steps", "20", "--seed", "7",
        "-m", "sd15", "--lora", "ink:0.5", "--lora", "film", "--count", "2", "--sampler", "Euler a",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    assert told.stdout.splitlines() == [str(tmp_path / "fox-1.png"), str(tmp_path / "fox-2.png")]
    assert (tmp_path / "fox-2.png").read_bytes() == PNG
    (asked,) = drawing.bodies("POST /api/v1/image/generate")
    assert asked["loras"] == [{"name": "ink", "weight": 0.5}, {"name": "film", "weight": 1.0}]
    wanted = {
        "prompt": "a red fox", "negative": "dogs", "width": 768, "height": 512, "steps": 20, "seed": 7, "model": "sd15",
        "count": 2,
    }  # fmt: skip
    assert {name: asked[name] for name in wanted} == wanted
    assert "waits, 3 before it" in told.stderr
    assert "waits, 2 before it" in told.stderr
    assert "60 % drawing 5/20 of picture 2/2 on agx0, 4s left" in told.stderr
    assert "64 x 48 pixels by sd15 on agx0, seed 7, 2.5 s" in told.stderr


def test_the_result_as_json_and_in_another_format(drawing: FakeService, ask: Run, tmp_path: Path) -> None:
    told = ask("image", "--job", "j1", "-o", str(tmp_path / "fox.webp"), "--json")
    assert [each["image"]["id"] for each in json.loads(told.stdout)] == ["i0", "i1"]
    assert [asked.query for asked in drawing.asked if asked.path.endswith("content")] == [{"format": "webp"}] * 2


def test_a_picture_is_changed_where_a_mask_says(drawing: FakeService, ask: Run, tmp_path: Path) -> None:
    drawing.on("POST /api/v1/image/edit", Whole(job("queued"), 202))
    file = tmp_path / "in.png"
    file.write_bytes(PNG)
    told = ask("image", "a hat", "--init", str(file), "--mask", str(file), "--denoise", "0.5", "-d")
    assert told.stdout == "j1\n"
    (asked,) = drawing.bodies("POST /api/v1/image/edit")
    assert base64.b64decode(asked["image"]) == base64.b64decode(asked["mask"]) == PNG
    assert asked["denoise"] == 0.5


def test_a_file_or_what_was_drawn_is_enlarged(drawing: FakeService, ask: Run, tmp_path: Path) -> None:
    drawing.on("POST /api/v1/image/upscale", Whole(job("queued"), 202))
    file = tmp_path / "in.png"
    file.write_bytes(PNG)
    assert ask("image", "--init", str(file), "--upscale", "2", "-o", str(tmp_path / "a.png")).exit_code == 0
    assert ask("image", "a fox", "--upscale", "4", "--upscaler", "x4", "-o", str(tmp_path / "b.png")).exit_code == 0
    sent = drawing.bodies("POST /api/v1/image/upscale")
    assert [each["scale"] for each in sent] == [2.0, 4.0, 4.0]
    assert base64.b64decode(sent[0]["image"]) == PNG
    assert (sent[1]["image"], sent[1]["upscaler"]) == ("i0", "x4")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "There is no prompt."),
        (["a fox", "-o", "fox.bmp"], "Endings are .png"),
        (["a fox", "--size", "big"], "Write it as 768x512."),
        (["a fox", "--lora", "ink:much"], "is no weight"),
        (["a fox", "--mask", "x.png"], "A mask needs a picture"),
        (["a fox", "--init", "/nowhere.png"], "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(
    service: FakeService, ask: Run, arguments: list[str], said: str
) -> None:
    told = ask("image", *arguments)
    assert told.exit_code == 2
    assert said in told.stderr
    assert service.asked == []


def test_a_job_that_failed_says_why_and_what_is_there_is_kept(drawing: FakeService, ask: Run, tmp_path: Path) -> None:
    error = {"message": "agx0 has too little memory.", "hint": "Make it smaller."}
    drawing.on(f"GET {JOB}", Whole(job("failed", 2, error=error)))
    told = ask("image", "a fox", "-o", str(tmp_path / "a.png"))
    assert (told.exit_code, told.stderr.splitlines()[-1]) == (1, "Error: agx0 has too little memory. Make it smaller.")
    drawing.on(f"GET {JOB}", Whole({**job("failed", 2, error=error), "images": [image_info()]}))
    told = ask("image", "a fox", "-o", str(tmp_path / "a.png"))
    assert "1 of 2 pictures are there. agx0 has too little memory." in told.stderr
    assert (tmp_path / "a.png").read_bytes() == PNG


def test_a_file_that_cannot_be_written_says_where_the_picture_is(
    drawing: FakeService, ask: Run, tmp_path: Path
) -> None:
    told = ask("image", "a fox", "-o", str(tmp_path / "none" / "a.png"))
    assert told.exit_code == 1
    assert "The picture is in your gallery" in told.stderr


class _Left:
    """A client whose user presses Ctrl-C."""

    def get(self, *_: object) -> PictureJob:
        raise KeyboardInterrupt


def test_ctrl_c_says_how_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    show = Show(Progress(io.StringIO(), False, 80), io.StringIO(), None)
    with pytest.raises(typer.Exit) as left:
        _waited(cast("Client", _Left()), "j1", show, Path("fox.png"))
    assert left.value.exit_code == 130
    assert "'potluck image --job j1 -o fox.png' comes back" in capsys.readouterr().err


def test_previews_are_shown_in_one_place_below_the_line() -> None:
    line, screen = io.StringIO(), io.StringIO()
    show = Show(Progress(line, True, 80), screen, Graphics.ITERM2)
    preview = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    show.draws(Drawing(share=0.5, preview=preview), 1)
    show.draws(Drawing(share=0.6, preview="data:,not base64!"), 1)
    show.draws(Drawing(share=0.7, preview=preview), 1)
    show.end()
    assert (
        screen.getvalue().count("\x1b]1337")
        == screen.getvalue().count("\x1b7")
        == screen.getvalue().count("\x1b8")
        == 2
    )
    assert screen.getvalue().startswith("\n" * 13 + "\x1b[13A")
    assert screen.getvalue().endswith("\x1b[13B\r")


def test_a_bar_without_steps_and_names_for_many_files(tmp_path: Path) -> None:
    assert bar(Drawing(what="loading", node="agx0"), 1).endswith("  0 %  loading on agx0")
    assert names(Path("a/b.png"), 1) == [Path("a/b.png")]
    (tmp_path / "image.png").touch()
    (tmp_path / "image-2.png").touch()
    assert free(tmp_path / "image.png").name == "image-3.png"
