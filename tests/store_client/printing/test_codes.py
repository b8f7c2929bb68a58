"""Every printed code is read again, out of exactly what is sent to the printer."""

import re
import socket
import threading
from contextlib import closing

import pytest

from store_client.adapters.pdf import label_pdf
from store_client.adapters.printers import (
    COPY,
    bars,
    bytes_of,
    file_printer,
    network_printer,
)
from store_client.adapters.zpl import label_zpl
from store_client.devices import PrinterAway, PrintForm, PrintJob, PrintKind
from store_client.paper import ParcelLabel
from tests.support.paper import codes_sent, drawn_in, read_codes

pytestmark = pytest.mark.slow
LABEL = ParcelLabel(
    "SW0012345678", "Swift", "ground", ("Rosa Eastman", "1 Main St", "43215 Columbus"),
    "Columbus Lantern Row", "K7Q2-0001", 1, 2, 1250,
)  # fmt: skip


def text_job(code: str, *, copy: bool = False, text: str = "Thank you.\n") -> PrintJob:
    return PrintJob(PrintKind.RECEIPT, "receipt", PrintForm.TEXT, text.encode(), code, is_copy=copy)


@pytest.mark.parametrize("number", ["K7Q2-0001", "JNES-VJFR", "GC7Q-29ZX-MK0P", "A1"])
def test_the_code_of_a_receipt_is_read_again(number):
    """Scanned at the counter it is the order's number, to the character."""
    assert codes_sent(bytes_of(text_job(number))) == [("Code128", number)]


def test_a_qr_code_is_no_micro_qr():
    """Telephones read it."""
    assert codes_sent(bytes_of(text_job("QR:K7Q2-0001"))) == [("QRCode", "K7Q2-0001")]


def test_a_pick_list_has_a_code_for_each_order():
    """Each is read by itself."""
    numbers = [f"K7Q2-000{number}" for number in range(4)]
    sent = bytes_of(text_job("\n".join(numbers)))
    assert codes_sent(sent) == [("Code128", number) for number in numbers]


def test_the_label_of_a_box_is_read_again_from_the_pdf():
    """The bars as they are drawn on the page, nothing else."""
    assert read_codes(drawn_in(label_pdf(LABEL))) == [("Code128", LABEL.number)]


def test_the_label_in_zpl_asks_for_the_same_code():
    """ZPL has the number, and the printer draws the bars: those of the same number are read."""
    found = re.search(r"\^BCN,[^\n]*\^FD([^^]*)\^FS", label_zpl(LABEL))
    assert found is not None
    assert read_codes(bars(found[1])) == [("Code128", LABEL.number)]


def test_copies_say_so():
    """On texts at both ends, on labels in large letters; the label is otherwise the same."""
    assert bytes_of(text_job("", copy=True)).count(COPY.encode()) == 2
    assert COPY.encode() not in bytes_of(text_job(""))
    zpl = label_zpl(LABEL).encode()
    copy = bytes_of(PrintJob(PrintKind.LABEL, "L", PrintForm.ZPL, zpl, is_copy=True))
    assert COPY.encode() in copy
    assert copy.rstrip().endswith(b"^XZ")
    assert bytes_of(PrintJob(PrintKind.LABEL, "L", PrintForm.ZPL, zpl)) == zpl


def test_prices_and_names_print_in_any_language():
    """Characters that a code page lacks become plain ones; nothing raises."""
    sent = bytes_of(text_job("", text="2 × Café crème  €4,50\nBjörn Åkesson ✓ 田中\n"))
    assert b"Caf" in sent


def test_a_network_printer_gets_every_byte():
    """What is sent is what comes out at the other end of a socket."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        got = bytearray()

        def serve() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                while part := connection.recv(4096):
                    got.extend(part)

        paper = threading.Thread(target=serve)
        paper.start()
        network_printer(f"127.0.0.1:{listener.getsockname()[1]}").print(text_job("K7Q2-0001"))
        paper.join(timeout=10)
    assert codes_sent(bytes(got)) == [("Code128", "K7Q2-0001")]


def test_a_printer_that_is_not_there_is_away():
    """Nothing is on paper, and that is what is said."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(PrinterAway):
        network_printer(f"127.0.0.1:{port}").print(text_job(""))


def test_a_device_file_gets_every_byte(tmp_path):
    """As does a printer on a cable; one that is unplugged is away."""
    device = tmp_path / "lp0"
    device.write_bytes(b"")
    file_printer(device).print(text_job("K7Q2-0001"))
    assert codes_sent(device.read_bytes()) == [("Code128", "K7Q2-0001")]
    with pytest.raises(PrinterAway):
        file_printer(tmp_path / "lp1").print(text_job(""))
