"""Images that go into pictures, brought to what engines want: sizes, masks, canvases, maps and regions."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from potluck.backends.images.port import Inputs
from potluck.core.model import UserId
from potluck.core.pictures.ask import MAPPED_HERE, Control, ImageId, Inpaint, Outpaint, PictureAsk, Task
from potluck.core.pictures.catalogue import Catalogue
from potluck.gateway.gallery import MOST_BYTES, Gallery
from potluck.pixels.work import Clean, ControlMap, Fit, Grow, Made, Mask, MaskSource, Paste, Region

# As large as a picture is drawn over at the most, where nobody said a size: what models still make sense of.
_LONGEST_SIDE = 2048
_CANVAS_MASK = ImageId("file-canvas-mask")
_REGION, _REGION_MASK = ImageId("file-region"), ImageId("file-region-mask")


class _Source(NamedTuple):
    """An image as it was sent, and where in it is drawn, in grey of its size."""

    image: bytes
    mask: bytes
    width: int
    height: int


class Incoming:
    """The images of one user's job: each decoded and written anew by the child that alone looks into what strangers
    send."""

    def __init__(self, gallery: Gallery, user: UserId) -> None:
        self._gallery = gallery
        self._user = user
        self._source: _Source | None = None
        self._regions: dict[tuple[int, int], Made] = {}

    async def prepare(self, ask: PictureAsk, has: Catalogue, /) -> tuple[PictureAsk, Inputs]:
        """`gateway.wishes.Prepare`: 1. What is drawn over. 2. What is followed."""
        inputs: dict[ImageId, bytes] = {}
        masked = ask.inpaint if ask.inpaint is not None and ask.inpaint.only_masked else None
        if ask.init:
            ask, inputs = await self._over(ask)
        units: list[Control] = []
        for at, asked in enumerate(ask.controls):
            unit, made = await self._control(asked, ask, has, masked)
            # Under a name of its own: the same image may be drawn over, too, or stand for another map.
            units.append(replace(unit, image=ImageId(f"file-control-{at}")))
            inputs[units[-1].image] = made
        return replace(ask, controls=tuple(units)), inputs

    async def whole(self, ask: PictureAsk, drawn: bytes) -> bytes:
        """What an engine has drawn, as it is kept: a region is put back into its image."""
        if ask.inpaint is None or not ask.inpaint.only_masked:
            return drawn
        source = await self._whole_source(ask, ask.inpaint)
        width, height = _size(ask, source.width, source.height)
        box = (await self._region(ask.inpaint, source, width, height)).box
        paste = Paste(source.image, source.mask, drawn, box, ask.inpaint.blur)
        return (await self._gallery.pixels.perform(paste, param="init")).image

    async def _over(self, ask: PictureAsk) -> tuple[PictureAsk, dict[ImageId, bytes]]:
        if ask.inpaint is not None and ask.inpaint.only_masked:
            return await self._part(ask, ask.inpaint)
        image, width, height = await self._image(ask.init, "init")
        if ask.task is Task.UPSCALE:
            return replace(ask, width=width, height=height), {ask.init: image}
        size = _size(ask, width, height)
        ask = replace(ask, width=size[0], height=size[1])
        image = (await self._gallery.pixels.perform(Fit(image, *size, ask.resize), param="init")).image
        if ask.outpaint is not None:
            return await self._canvas(ask, ask.outpaint, image)
        inputs = {ask.init: image}
        if ask.inpaint is not None:
            inputs[ask.inpaint.mask] = await self._fitted_mask(ask, ask.inpaint, width, height)
            ask = replace(ask, inpaint=replace(ask.inpaint, invert=False))
        return ask, inputs

    async def _image(self, named: ImageId, param: str) -> tuple[bytes, int, int]:
        file, _ = await self._gallery.source(named, self._user)
        content = await self._gallery.files.whole(file, self._user, MOST_BYTES)
        made = await self._gallery.pixels.perform(Clean(content), param=param)
        return made.image, made.width, made.height

    # --- masks ---

    async def _mask(self, masked: Inpaint, width: int, height: int) -> bytes:
        image, _, _ = await self._image(masked.mask, "inpaint.mask")
        mask = Mask(image, width, height, MaskSource.LIGHT, masked.invert)
        return (await self._gallery.pixels.perform(mask, param="inpaint.mask")).image

    async def _fitted_mask(self, ask: PictureAsk, masked: Inpaint, width: int, height: int) -> bytes:
        """Of the image's own size first, and then brought to the ask's as the image was."""
        grey = await self._mask(masked, width, height)
        fitted = Fit(grey, ask.width, ask.height, ask.resize)
        return (await self._gallery.pixels.perform(fitted, param="inpaint.mask")).image

    async def _part(self, ask: PictureAsk, masked: Inpaint) -> tuple[PictureAsk, dict[ImageId, bytes]]:
        """Only what is masked is drawn, at the ask's size, and put back when it is there: so it is the same on every
        engine, and nothing else is touched."""
        source = await self._whole_source(ask, masked)
        width, height = _size(ask, source.width, source.height)
        made = await self._region(masked, source, width, height)
        # The mask is soft already.
        part = replace(masked, mask=_REGION_MASK, blur=0, only_masked=False, invert=False)
        asked = replace(ask, init=_REGION, inpaint=part, width=width, height=height)
        return asked, {_REGION: made.image, _REGION_MASK: made.mask}

    async def _whole_source(self, ask: PictureAsk, masked: Inpaint) -> _Source:
        if self._source is None:
            image, width, height = await self._image(ask.init, "init")
            self._source = _Source(image, await self._mask(masked, width, height), width, height)
        return self._source

    async def _region(self, masked: Inpaint, source: _Source, width: int, height: int) -> Made:
        known = self._regions.get((width, height))
        if known is None:
            region = Region(source.image, source.mask, width, height, masked.padding, masked.blur)
            known = self._regions[width, height] = await self._gallery.pixels.perform(region, param="inpaint.mask")
        return known

    async def _canvas(self, ask: PictureAsk, grown: Outpaint, image: bytes) -> tuple[PictureAsk, dict[ImageId, bytes]]:
        """Outpainting is inpainting of a canvas that has grown: so it is the same on every engine."""
        grow = Grow(image, grown.left, grown.top, grown.right, grown.bottom, grown.feather)
        made = await self._gallery.pixels.perform(grow, param="outpaint")
        as_inpaint = replace(
            ask,
            task=Task.INPAINT,
            outpaint=None,
            inpaint=Inpaint(_CANVAS_MASK, blur=0),
            denoise=1.0,
            width=made.width,
            height=made.height,
        )
        return as_inpaint, {ask.init: made.image, _CANVAS_MASK: made.mask}

    # --- controls ---

    async def _control(
        self, unit: Control, ask: PictureAsk, has: Catalogue, masked: Inpaint | None
    ) -> tuple[Control, bytes]:
        """A map that the engine does not make is made here. Of ``masked`` it is the region's."""
        image, _, _ = await self._image(unit.image, "controls")
        pixels, source = self._gallery.pixels, self._source
        size = (source.width, source.height) if masked and source else (ask.width, ask.height)
        fitted = (await pixels.perform(Fit(image, *size, ask.resize), param="controls")).image
        if masked is not None and source is not None:
            region = Region(fitted, source.mask, ask.width, ask.height, masked.padding, masked.blur)
            fitted = (await pixels.perform(region, param="controls")).image
        if not unit.preprocess or unit.kind in has.preprocessors or unit.kind not in MAPPED_HERE:
            return unit, fitted
        made = await pixels.perform(ControlMap(fitted, unit.kind), param="controls")
        return replace(unit, preprocess=False), made.image


def _size(ask: PictureAsk, width: int, height: int) -> tuple[int, int]:
    """At what size an image of ``width`` and ``height`` is drawn over: the ask's; its own where nobody said one, on the
    engines' grid of 8, and no larger than models make sense of. What grows has its own."""
    if ask.width and ask.height and ask.outpaint is None:
        return ask.width, ask.height
    scale = min(1.0, _LONGEST_SIDE / max(width, height))
    return max(64, round(width * scale / 8) * 8), max(64, round(height * scale / 8) * 8)
