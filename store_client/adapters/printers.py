"""Receipt and label printers: ESC/POS made by python-escpos, sent to an address or a device file.

Codes are drawn here and sent as pictures, so a cheap printer prints the same as a
good one, and a test can read what was sent. ZPL and PDF go as they are.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from store_client.adapters.pdf import modules_of
from store_client.devices import PrinterAway, PrinterBroke, PrintForm, PrintJob

TIMEOUT_S = 5.0
PORT = 9100
PROFILE = "TM-T88V"
"""Its code pages and width (512 dots) are those of most receipt printers."""
COPY = "*** COPY ***"
COPY_WORDS = "This may have been printed before."
MODULE_DOTS = 2
BAR_DOTS = 72
QUIET_MODULES = 10
"""Code 128 needs ten empty modules on both sides (ISO/IEC 15417)."""
QR_DOTS = 6


class Connection(Protocol):
    """An open way to a printer."""

    def send(self, data: bytes) -> None:
        """Send everything."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class EscposPrinter:
    """Implements `Printer` for one device, which is opened for each job and closed after it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def print(self, job: PrintJob) -> None:
        """Send a job; whether something of it is on paper decides what is raised."""
        data = bytes_of(job)
        try:
            connection = self._connect()
        except OSError as problem:
            raise PrinterAway(_words(problem)) from problem
        try:
            connection.send(data)
        except OSError as problem:
            raise PrinterBroke(_words(problem)) from problem
        finally:
            with suppress(OSError):
                connection.close()


class _Socket:
    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=TIMEOUT_S)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()


class _Device:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        os.close(self._descriptor)


def network_printer(address: str) -> EscposPrinter:
    """Return the printer at `host` or `host:port` (9100)."""
    host, _, port = address.partition(":")
    return EscposPrinter(lambda: _Socket(host, int(port or PORT)))


def file_printer(path: Path) -> EscposPrinter:
    """Return the printer behind a device file such as `/dev/usb/lp0`."""
    return EscposPrinter(lambda: _Device(path))


def bytes_of(job: PrintJob) -> bytes:
    """Return what is sent to a printer for a job."""
    if job.form is PrintForm.ZPL:
        return zpl_copy(job.body) if job.is_copy else job.body
    if job.form is PrintForm.PDF:
        return job.body
    from escpos.printer import Dummy

    paper = Dummy(profile=PROFILE)
    if job.is_copy:
        paper.text(f"{COPY}\n{COPY_WORDS}\n\n")
    paper.text(job.body.decode())
    for code in job.code.split("\n") if job.code else ():
        paper.text("\n")
        paper.image(qr_picture(code.removeprefix("QR:")) if code[:3] == "QR:" else bars(code))
        paper.text(f"{code.removeprefix('QR:')}\n")
    if job.is_copy:
        paper.text(f"\n{COPY}\n")
    paper.cut()
    return bytes(paper.output)


def zpl_copy(body: bytes) -> bytes:
    """Return a label with the word COPY on it, large, where nothing else stands."""
    mark = f"^FO40,1090^A0N,80,80^FD{COPY}^FS\n".encode()
    head, end, tail = body.rpartition(b"^XZ")
    return head + mark + end + tail if end else body


def bars(code: str) -> Any:
    """Return a picture of a Code 128, with its quiet zones."""
    from PIL import Image

    modules = "0" * QUIET_MODULES + modules_of(code) + "0" * QUIET_MODULES
    row = Image.new("1", (len(modules), 1), 1)
    row.putdata([0 if module == "1" else 1 for module in modules])
    return row.resize((len(modules) * MODULE_DOTS, BAR_DOTS))


def qr_picture(text: str) -> Any:
    """Return a picture of a QR code (never a Micro QR, which telephones do not read)."""
    import qrcode

    made = qrcode.QRCode(box_size=QR_DOTS, border=4)
    made.add_data(text)
    made.make(fit=True)
    return made.make_image().get_image()


def _words(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text[:160] or type(problem).__name__
