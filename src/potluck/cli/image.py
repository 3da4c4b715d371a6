"""``potluck image``: pictures out of words and out of other pictures."""

from __future__ import annotations

import base64
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from potluck.cli.client import Client
from potluck.cli.drawing import Picture, PictureJob, Show
from potluck.cli.failure import INTERRUPTED, USAGE, CliError
from potluck.cli.graphics import graphics_of
from potluck.cli.output import note, print_json, terminal_width
from potluck.cli.picture_jobs import fetched, followed, format_of, free, names, path_of, shown, written
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson, Data, Key, Url, find

_IMAGE: Final = "/api/v1/image"
_SIZE: Final = re.compile(r"([0-9]{2,5})\s*[xX×]\s*([0-9]{2,5})")
_DEFAULT: Final = Path("image.png")
_LARGEST_BYTES: Final = 64 * 1024 * 1024

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def image(
    prompt: Annotated[str, typer.Argument(help="What to draw.", metavar="PROMPT", show_default=False)] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to write it: .png, .jpg, .webp or .avif.", metavar="FILE"),
    ] = None,
    negative: Annotated[str, typer.Option("--negative", "-n", help="What not to draw.", metavar="PROMPT")] = "",
    size: Annotated[str, typer.Option(help="Width and height in pixels.", metavar="WxH")] = "",
    steps: Annotated[int, typer.Option(help="How many steps; 0: the model's own.", min=0)] = 0,
    cfg: Annotated[float, typer.Option(help="How closely to follow the prompt; 0: the model's own.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same picture; -1: any.", min=-1)] = -1,
    sampler: Annotated[str, typer.Option(help="Such as 'DPM++ 2M Karras'.", metavar="NAME")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="A checkpoint, or a route.", metavar="MODEL")] = "",
    lora: Annotated[list[str] | None, typer.Option(help="A LoRA, again for more.", metavar="NAME[:WEIGHT]")] = None,
    count: Annotated[int, typer.Option(help="How many, with seeds one after the other.", min=1)] = 1,
    init: Annotated[Path | None, typer.Option(help="Begin with this picture.", metavar="FILE")] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Draw only where this one is white, or transparent.", metavar="FILE")
    ] = None,
    denoise: Annotated[float, typer.Option(help="How much of --init is drawn anew.", min=0, max=1)] = 0.75,
    upscale: Annotated[
        float, typer.Option(help="Enlarge what is drawn, or --init without a prompt.", min=0, max=8, metavar="TIMES")
    ] = 0.0,
    upscaler: Annotated[str, typer.Option(help="Which upscaler enlarges; left out: the best.", metavar="NAME")] = "",
    node: Annotated[str, typer.Option(help="On this machine alone.", metavar="NODE")] = "",
    job: Annotated[str, typer.Option(help="Come back to a job that was left.", metavar="JOB")] = "",
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the job's id, and do not wait.")] = False,
    preview: Annotated[bool, typer.Option(help="Show pictures in terminals that can.")] = True,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Draw a picture, change one, or enlarge one.

    Every picture is in your gallery too, with all that made it. Ctrl-C leaves the job running: --job comes back to it.
    """
    client = Client(find(url, key, data))
    file = out or free(_DEFAULT)
    format_ = format_of(file)
    if job:
        made = client.get(path_of(job), PictureJob)
    elif init is not None and upscale and not prompt:
        made = _submitted(
            client, "upscale", {"image": _sent(init), "scale": upscale, "upscaler": upscaler, "node": node}
        )
        upscale = 0.0
    else:
        asked = {
            "prompt": prompt, "negative": negative, **_sized(size), "steps": steps, "cfg": cfg, "seed": seed,
            "sampler": sampler, "model": model, "loras": _loras(lora or []), "count": count, "node": node,
        }  # fmt: skip
        made = _asked(client, asked, init, mask, denoise)
    if detach:
        print_json(made) if as_json else print(made.id)
        return
    show = Show(
        Progress(sys.stderr, sys.stderr.isatty(), terminal_width()),
        sys.stderr,
        graphics_of(sys.stderr) if preview and not as_json else None,
    )
    pictures = _waited(client, made.id, show, out)
    if upscale:
        pictures = [_enlarged(client, each, upscale, upscaler, show) for each in pictures]
    _keep(client, pictures, file, format_, as_json)


def _asked(client: Client, asked: dict[str, Any], init: Path | None, mask: Path | None, denoise: float) -> PictureJob:
    if init is None and not asked["prompt"].strip():
        raise CliError("There is no prompt.", hint='Say what to draw: potluck image "a red fox".', code=USAGE)
    if init is None:
        if mask is not None:
            raise CliError("A mask needs a picture to be drawn into.", hint="Name it by --init.", code=USAGE)
        return _submitted(client, "generate", asked)
    masked = {} if mask is None else {"mask": _sent(mask)}
    return _submitted(client, "edit", {**asked, "image": _sent(init), "denoise": denoise, **masked})


def _submitted(client: Client, what: str, body: dict[str, Any]) -> PictureJob:
    return client.call("POST", f"{_IMAGE}/{what}", PictureJob, body=body, patient=True)


def _waited(client: Client, job: str, show: Show, out: Path | None) -> list[Picture]:
    """The job's pictures. Ctrl-C says how to come back; a job without pictures ends the command."""
    try:
        ended = followed(client, job, show, time.sleep)
        if show.graphics is not None and ended.images:
            show.picture(shown(client, ended.images[-1]))
    except KeyboardInterrupt:
        show.end()
        again = f" -o {out}" if out else ""
        note(f"Job {job} goes on: 'potluck image --job {job}{again}' comes back, 'potluck jobs cancel {job}' ends it.")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        show.end()
    if ended.state != "done":
        why = ended.error
        if not ended.images:
            raise CliError(why.message if why else f"The job was {ended.state}.", hint=why.hint if why else "")
        note(f"{len(ended.images)} of {ended.total} pictures are there. {why.message if why else ''}".rstrip())
    return ended.images


def _enlarged(client: Client, picture: Picture, scale: float, upscaler: str, show: Show) -> Picture:
    body = {"image": picture.id, "scale": scale, "upscaler": upscaler}
    return _waited(client, _submitted(client, "upscale", body).id, show, None)[0]


def _keep(client: Client, pictures: list[Picture], file: Path, format_: str, as_json: bool) -> None:
    files = names(file, len(pictures))
    for picture, name in zip(pictures, files, strict=True):
        written(name, fetched(client, picture, format_))
    if as_json:
        print_json([{"file": str(name), "image": each} for name, each in zip(files, pictures, strict=True)])
        return
    for picture, name in zip(pictures, files, strict=True):
        note(_words(picture))
        print(name)


def _words(picture: Picture) -> str:
    """What made it, in one line."""
    seed = "" if picture.seed is None else f", seed {picture.seed}"
    by = f" by {picture.model}" if picture.model else ""
    where = f" on {picture.node}" if picture.node else ""
    return f"{picture.width} x {picture.height} pixels{by}{where}{seed}, {picture.seconds:.1f} s"


def _sized(size: str) -> dict[str, int]:
    if not size:
        return {}
    if (found := _SIZE.fullmatch(size.strip())) is None:
        raise CliError(f"'{size}' is no size.", hint="Write it as 768x512.", code=USAGE)
    return {"width": int(found[1]), "height": int(found[2])}


def _loras(named: list[str]) -> list[dict[str, Any]]:
    loras: list[dict[str, Any]] = []
    for each in named:
        name, _, weight = each.partition(":")
        try:
            loras.append({"name": name, "weight": float(weight or 1)})
        except ValueError:
            raise CliError(f"'{weight}' is no weight.", hint="Write --lora NAME:0.8.", code=USAGE) from None
    return loras


def _sent(file: Path) -> str:
    """A picture of this machine as base64."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_BYTES + 1)
    except OSError as exc:
        raise CliError(f"{file} cannot be read: {exc.strerror}.", code=USAGE) from exc
    if len(content) > _LARGEST_BYTES:
        raise CliError(f"{file} is larger than {_LARGEST_BYTES // 1024**2} MiB.", code=USAGE)
    return base64.b64encode(content).decode()
