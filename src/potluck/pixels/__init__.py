"""Images' pixels: read from strangers' files, changed, and written again.

`work` says what can be done, `performing` does it, `pixels.Pixels` has it done by a child process: files come from
strangers, and decoders are C. Pillow and NumPy are imported by that child alone, so a gateway that sees no image never
pays for them, and gets the memory of a large one back.
"""
