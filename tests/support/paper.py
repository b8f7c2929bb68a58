"""Reads printed codes again: pictures out of what was sent to a printer, and bars out of a PDF."""

import re
import zlib

import zxingcpp
from PIL import Image

RASTER = b"\x1dv0"
"""GS v 0: a raster picture follows (mode, width in bytes, height in dots)."""
DOTS_A_POINT = 4


def pictures(sent: bytes) -> list[Image.Image]:
    """Return the pictures in ESC/POS data, as they come out on paper."""
    found, at = [], sent.find(RASTER)
    while at >= 0:
        head = sent[at + 4 : at + 8]
        width, height = head[0] + 256 * head[1], head[2] + 256 * head[3]
        data = sent[at + 8 : at + 8 + width * height]
        inverted = bytes(255 - byte for byte in data)
        found.append(Image.frombytes("1", (width * 8, height), inverted))
        at = sent.find(RASTER, at + 8 + len(data))
    return found


def read_codes(picture: Image.Image) -> list[tuple[str, str]]:
    """Return (format, text) of the codes in a picture, with some paper around it."""
    paper = Image.new("L", (picture.width + 80, picture.height + 80), 255)
    paper.paste(picture.convert("L"), (40, 40))
    return [(str(one.format).replace(" ", ""), one.text) for one in zxingcpp.read_barcodes(paper)]


def codes_sent(sent: bytes) -> list[tuple[str, str]]:
    """Return the codes in what was sent to a receipt printer."""
    return [code for picture in pictures(sent) for code in read_codes(picture)]


def drawn_in(pdf: bytes) -> Image.Image:
    """Return the filled boxes of a PDF's only page: what its bars look like on paper."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    boxes = []
    for stream in streams:
        try:
            text = zlib.decompress(stream).decode("latin-1")
        except zlib.error:
            continue
        found = re.findall(r"(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f", text)
        boxes += [tuple(float(number) for number in box) for box in found]
    page = Image.new("L", (300 * DOTS_A_POINT, 450 * DOTS_A_POINT), 255)
    for left, top, width, height in boxes:
        low = min(top, top + height)
        edges = [round(DOTS_A_POINT * one) for one in (left, low, left + width, low + abs(height))]
        page.paste(0, (edges[0], edges[1], edges[2], edges[3]))
    return page
