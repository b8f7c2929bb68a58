"""Labels in ZPL II, for 203 dpi printers and labels of 4 x 6 inches (812 x 1218 dots).

`^CI28` makes the printer read UTF-8; `^FH` lets characters that ZPL uses itself be
written as their bytes. Commands: Zebra, ZPL II programming guide.
"""

from store_client.paper import ParcelLabel

WIDTH_DOTS, LENGTH_DOTS = 812, 1218
_SPECIAL = "^~_\\"
CHARACTERS_MAX = 42


def escaped(text: str) -> str:
    """Return `text` so that it prints as it is, whatever is in it."""
    kept = "".join(character for character in text if character.isprintable())[:CHARACTERS_MAX]
    return "".join(
        "".join(f"_{byte:02X}" for byte in character.encode())
        if character in _SPECIAL
        else character
        for character in kept
    )


def label_zpl(label: ParcelLabel) -> str:
    """Return the label as ZPL: carrier, address, Code 128 of its number, what it belongs to."""
    address = [
        f"^FO60,{260 + 56 * row}^A0N,44,44^FH^FD{escaped(line)}^FS"
        for row, line in enumerate(label.to)
    ]
    owner = f"Order {escaped(label.order_number)}   Box {label.box} of {label.boxes}"
    lines = [
        "^XA",
        "^CI28",
        f"^PW{WIDTH_DOTS}",
        f"^LL{LENGTH_DOTS}",
        f"^FO40,40^A0N,60,60^FH^FD{escaped(label.carrier)}^FS",
        f"^FO40,112^A0N,36,36^FH^FD{escaped(label.service.upper())}   {label.weight}^FS",
        "^FO40,170^GB732,3,3^FS",
        f"^FO40,186^A0N,24,24^FH^FDFrom {escaped(label.sender)}^FS",
        "^FO40,224^A0N,24,24^FDTo^FS",
        *address,
        "^FO40,640^GB732,3,3^FS",
        f"^FO80,680^BY3^BCN,220,Y,N,N^FH^FD{escaped(label.number)}^FS",
        "^FO40,1000^GB732,3,3^FS",
        f"^FO40,1030^A0N,32,32^FH^FD{owner}^FS",
        "^XZ",
    ]
    return "\n".join(lines) + "\n"
