"""Panels of the screens: the next step, the banner, what was last said, and an order's card."""

from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from store_client.services.words import STATUS, Said, day_time, money
from store_client.widgets.tones import tone_style
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.protocol.rows import StoreRow


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now: what, how, and on what."""

    said: Said
    how: str
    about: str = ""


class Panel(Static):
    """A static that moves nothing when it says something else that needs as many rows.

    Laying the whole screen out anew for each key of a scan would cost more
    than everything else that a scan does.
    """

    GROWS = False
    """Whether it takes as many rows as its words need; else the style sheet says how many."""

    _said: Content | None = None
    _rows = 0

    def say(self, content: Content) -> None:
        """Say `content`; does nothing where it is said already."""
        if self._said is None or content != self._said:
            self._said = content
            before, self._rows = self._rows, self._rows_of(content) if self.GROWS else 0
            self.update(content, layout=self._rows != before)

    def _rows_of(self, content: Content) -> int:
        """Return how many rows it takes as wide as it is now."""
        least = self.styles.min_height
        rows = content.get_height({}, max(self.content_size.width, 1))
        return rows if least is None else max(rows, int(least.value))


class NextPanel(Panel):
    """The next step, big and clear."""

    def show(self, step: NextStep) -> None:
        """Show `step`."""
        style = tone_style(step.said.tone, bold=True)
        lines = [Content.assemble((f"{step.said.glyph}  {step.said.words.upper()}", style))]
        lines.append(Content.assemble(("→ ", style), (step.how, "bold")))
        if step.about:
            lines.append(Content.assemble(("  " + step.about, tone_style("dim"))))
        self.say(Content("\n").join(lines))
        tone = f"next-{step.said.tone or 'work'}"
        if not self.has_class(tone):
            self.set_classes(tone)


class Banner(Panel):
    """Something that changed under the hands of whoever works; stays until it is dealt with."""

    def show(self, text: str) -> None:
        """Show `text`; hide where there is none."""
        self.say(Content(f" ▲ {text}" if text else ""))
        if self.display != bool(text):
            self.display = bool(text)


class Says(Panel):
    """What the last action or scan did, or what is being typed."""

    GROWS = True

    def good(self, text: str) -> None:
        """Say that something was recorded."""
        self.say(Content.assemble((f"✓ {text}", tone_style("good", bold=True))))

    def bad(self, why: str, todo: str = "") -> None:
        """Say why something was not done, and what to do."""
        self.say(Content.assemble((f"✗ {why} ", tone_style("bad", bold=True)), todo))

    def news(self, said: Said, text: str) -> None:
        """Say what central made of something, in the tone that it has."""
        self.say(Content.assemble((f"{said}. ", tone_style(said.tone, bold=True)), text))

    def plain(self, text: str) -> None:
        """Say something that needs no stress."""
        self.say(Content(text))

    def typing(self, text: str, purpose: str) -> None:
        """Show what is typed without a field."""
        self.say(
            Content.assemble(
                ("Code: ", tone_style("dim")),
                (f"{text}▌", f"{tone_style('new', bold=True)}"),
                (f"  Enter {purpose}, Esc clears", tone_style("dim")),
            )
        )


def line_progress(line: FulfillmentLine) -> Said:
    """Return how far a line is, in words that need no color."""
    if line.to_put_back:
        return Said("↶", f"put back {line.to_put_back}", "bad")
    if line.needed <= 0:
        return Said("✗", f"{line.short} short" if line.short else "not wanted", "dim")
    if line.fulfilled >= line.needed:
        return Said("■", "handed over", "done")
    if line.fulfilled and not line.to_pick:
        return Said("◑", f"{line.held} still here", "good")
    if line.to_pick:
        done = line.held + line.fulfilled
        return Said("◐" if done else "○", f"{done} of {line.needed}", "work")
    return Said("●", f"{line.held + line.fulfilled} of {line.needed}", "good")


def changes_of(line: FulfillmentLine) -> str:
    """Return what a line lost on the way."""
    counts = (
        (line.short, "short"), (line.cancelled, "cancelled"),
        (line.refused, "refused"), (line.expired, "not collected"),
    )  # fmt: skip
    return ", ".join(f"{count} {word}" for count, word in counts if count)


class OrderCard(Panel):
    """An order at a glance."""

    GROWS = True

    def show(self, order: FulfillmentOrder | None, store: StoreRow | None, now_ms: int) -> None:
        """Show `order`, or nothing."""
        self.say(Content("") if order is None else card_of(order, store, now_ms))


def card_of(order: FulfillmentOrder, store: StoreRow | None, now_ms: int) -> Content:
    """Return an order's facts and lines."""
    status = STATUS[status_of(order)]
    total = sum(line.unit_price_minor * line.allocated for line in order.lines)
    facts = [
        ("Order", order.order_number),
        ("Customer", _customer(order)),
        ("Collected by", order.proxy_name),
        ("Promised", day_time(store, order.promised_by_ms, now_ms)),
        ("Waits until", _until(order, store, now_ms)),
        ("Shelf spot", order.staging_spot),
        ("Goes to", _destination(order)),
        ("Value", money(total, order.currency)),
    ]
    parts = [Content.assemble((str(status), tone_style(status.tone, bold=True))), Content("")]
    parts += [
        Content.assemble((f"{name:<13}", tone_style("dim")), (value, "bold"))
        for name, value in facts
        if value
    ]
    parts.append(Content(""))
    parts += [_line_content(line) for line in order.lines]
    return Content("\n").join(parts)


def _customer(order: FulfillmentOrder) -> str:
    hint = f" …{order.customer_hint}" if order.customer_hint else ""
    return order.customer_name + hint


def _destination(order: FulfillmentOrder) -> str:
    if order.shipment is None:
        return ""
    address = order.shipment.address
    return f"{address.city} {address.postal_code}, {order.shipment.carrier}"


def _until(order: FulfillmentOrder, store: StoreRow | None, now_ms: int) -> str:
    if order.expires_at_ms is None:
        return ""
    return day_time(store, order.expires_at_ms, now_ms)


def _line_content(line: FulfillmentLine) -> Content:
    progress = line_progress(line)
    lost = changes_of(line)
    return Content.assemble(
        (f"{progress.glyph} ", tone_style(progress.tone, bold=True)),
        f"{line.needed or line.allocated} × {line.name}",
        (f"\n    {progress.words}", tone_style(progress.tone)),
        (f", {lost}" if lost else "", tone_style("dim")),
    )
