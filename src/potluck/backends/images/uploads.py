"""An image as a form to be uploaded (RFC 7578)."""

from __future__ import annotations

import hashlib

FOLDER = "potluck"
"""The folder of an engine's temporary files that holds what we bring."""


def form(data: bytes) -> tuple[str, bytes, str]:
    """The file's name, the body, and its content type. The name is of the bytes, so nothing lies there twice."""
    name = f"{hashlib.sha256(data).hexdigest()[:32]}.png"
    boundary = f"potluck-{name[:16]}"
    while boundary.encode() in data:
        boundary += "-"
    texts = {"overwrite": "true", "type": "temp", "subfolder": FOLDER}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in texts.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = b"".join([*(part.encode() for part in parts), head.encode(), data, f"\r\n--{boundary}--\r\n".encode()])
    return name, body, f"multipart/form-data; boundary={boundary}"
