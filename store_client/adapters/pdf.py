"""Labels, packing slips and manifests as PDF. fpdf2 and python-barcode are loaded when needed.

The core fonts know Latin-1 alone: of other characters the nearest plain ones are
printed, or `?`. The barcode is drawn, not written, and always complete.
"""

import unicodedata
from typing import TYPE_CHECKING

from store_client.paper import ManifestSheet, PackingSlip, ParcelLabel

if TYPE_CHECKING:
    from fpdf import FPDF

LABEL_MM = (101.6, 152.4)
FONT = "helvetica"
SLIP_BOTTOM_MM = 190
"""Below it no line of a packing slip begins: the next page has it."""
BAR_MM = 0.42
"""The width of a Code 128 module: 0.42 mm is read by every scanner."""


def latin(text: str) -> str:
    """Return `text` as the core fonts can print it."""
    text = "".join(character for character in text if character.isprintable())
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", text)
        kept = "".join(one for one in plain if not unicodedata.combining(one))
        return kept.encode("latin-1", "replace").decode("latin-1")
    return text


def modules_of(number: str) -> str:
    """Return the modules of a Code 128 as a string of 1 (bar) and 0 (gap).

    Raises `ValueError` for characters that it has no bars for.
    """
    from barcode.codex import Code128
    from barcode.errors import BarcodeError

    try:
        built: str = Code128(number).build()[0]
    except BarcodeError as problem:
        raise ValueError(f"there are no bars for {number!r}") from problem
    return built


def label_pdf(label: ParcelLabel) -> bytes:
    """Return a label of 4 x 6 inches."""
    document = _document(LABEL_MM)
    _text(document, 5, 5, label.carrier, 20, bold=True)
    _text(document, 5, 14, f"{label.service.upper()}   {label.weight}", 12)
    document.line(5, 21, LABEL_MM[0] - 5, 21)
    _text(document, 5, 23, f"From {label.sender}", 9)
    for row, line in enumerate(label.to):
        _text(document, 8, 31 + 7 * row, line, 14, bold=row == 0)
    document.line(5, 78, LABEL_MM[0] - 5, 78)
    _bars(document, label.number, top=84, height=28)
    _text(document, 5, 116, label.number, 13, bold=True)
    document.line(5, 126, LABEL_MM[0] - 5, 126)
    _text(document, 5, 129, f"Order {label.order_number}   Box {label.box} of {label.boxes}", 11)
    return bytes(document.output())


def _bars(document: "FPDF", number: str, *, top: float, height: float) -> None:
    modules = modules_of(number)
    width = min(BAR_MM, (LABEL_MM[0] - 10) / len(modules))
    left = (LABEL_MM[0] - width * len(modules)) / 2
    start = 0
    for place in range(1, len(modules) + 1):
        if place == len(modules) or modules[place] != modules[start]:
            if modules[start] == "1":
                document.rect(left + start * width, top, (place - start) * width, height, style="F")
            start = place


def slip_pdf(slip: PackingSlip) -> bytes:
    """Return a packing slip on A5."""
    document = _document((148, 210))
    _text(document, 12, 12, f"Order {slip.order_number}, box {slip.box}", 16, bold=True)
    _text(document, 12, 21, slip.store, 10)
    for row, line in enumerate(slip.to):
        _text(document, 12, 32 + 5 * row, line, 10)
    top = 68
    for item in slip.lines:
        if top > SLIP_BOTTOM_MM:
            document.add_page()
            top = 12
        _text(document, 12, top, f"{item.quantity} x  {item.name}  ({item.sku})", 10)
        top += 7
    if slip.rest:
        _text(document, 12, top + 4, f"{slip.rest} more come in another box.", 10)
    return bytes(document.output())


def manifest_pdf(sheet: ManifestSheet) -> bytes:
    """Return a manifest on A4, with a line for the driver's name."""
    document = _document((210, 297))
    document.set_auto_page_break(auto=True, margin=20)
    _text(document, 12, 12, f"{sheet.carrier}: manifest {sheet.name}", 16, bold=True)
    _text(document, 12, 21, f"{sheet.store}   {sheet.made}   {len(sheet.rows)} boxes", 10)
    document.set_xy(12, 32)
    document.set_font(FONT, size=9)
    for row in sheet.rows:
        kilos = f"{row.weight_grams / 1000:.2f} kg"
        text = f"{row.number}   {row.order_number}/{row.box}   {kilos}   {row.postal_code}"
        document.set_x(12)
        document.cell(text=latin(text), new_x="LMARGIN", new_y="NEXT", h=6)
    document.set_x(12)
    document.cell(text="Taken by (name, time): ______________________________", h=16)
    return bytes(document.output())


def _document(size: tuple[float, float]) -> "FPDF":
    from fpdf import FPDF

    document = FPDF(unit="mm", format=size)
    document.set_auto_page_break(auto=False)
    document.add_page()
    return document


def _text(
    document: "FPDF", left: float, top: float, text: str, size: float, *, bold: bool = False
) -> None:
    document.set_font(FONT, "B" if bold else "", size)
    document.set_xy(left, top)
    document.cell(text=latin(text))
