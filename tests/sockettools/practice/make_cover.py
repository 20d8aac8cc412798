"""Draw the book cover that the practice web serves, and write it as a JPEG.

The picture is ``sockettools/practice/cover.jpg``, a file of exactly 70057 bytes. It is kept in the
repository, so this script is run only to change it. It needs Pillow, which nothing else here does:

    pip install pillow
    python tests/sockettools/practice/make_cover.py [cover.jpg]
"""

from __future__ import annotations

import math
import random
import sys
from bisect import bisect
from io import BytesIO
from itertools import accumulate, pairwise
from operator import itemgetter
from pathlib import Path

try:
    from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps
except ImportError:
    # The test run imports every module to look for doctests, and has no need of Pillow.
    if __name__ == "__main__":
        raise

Point = tuple[float, float]
Colour = tuple[int, int, int]

DEFAULT_PATH = Path(__file__).resolve().parents[3] / "sockettools" / "practice" / "cover.jpg"

# The size of the picture that the tutorial's programs fetched, so that they report the same count.
FILE_SIZE = 70057
# Filler for the comment segment: what somebody reads who looks into the file.
FILLER = b"Made for the practice web of sockettools. "
# A comment segment is its two-byte marker, two bytes of length (counted in it), and the text.
COMMENT_MARKER = b"\xff\xfe"
COMMENT_OVERHEAD = 4
COMMENT_MAX_TEXT = 0xFFFF - 2
# The best quality that fits is taken; below the last of these the texture would look smeared.
QUALITIES = range(95, 79, -1)

WIDTH, HEIGHT = 600, 800
# Everything is drawn larger by this factor and then reduced, which smooths the edges.
SCALE = 3

TITLE = ("Networked", "Programs")
SUBTITLE = "by hand and on a framework"

NIGHT: Colour = (14, 24, 48)
DUSK: Colour = (27, 62, 96)
DAWN: Colour = (38, 98, 120)
CREAM: Colour = (247, 240, 224)
AMBER: Colour = (244, 180, 92)
MINT: Colour = (150, 222, 204)
STEEL: Colour = (46, 66, 94)
SHELL: Colour = (222, 226, 222)
SHADE: Colour = (164, 178, 184)
BLACK: Colour = (0, 0, 0)

MARGIN = 54
TITLE_SIZE = 98
# The face leaves this much empty before a large capital: the title starts that much further out.
TITLE_INSET = 6
# The globe of nodes rises from below the lower edge, its top just under the subtitle.
GLOBE_CENTRE: Point = (300, 716)
GLOBE_RADIUS = 322
GLOBE_NODES = 330
GLOBE_TILT = math.radians(24)
# Nodes nearer to one another than this share of the radius are joined.
LINK_REACH = 0.235
# Every so many nodes, one on the near side is a busy one, drawn larger and in amber.
BUSY_EVERY = 9

# The cable leaves the first computer and enters the second; the middle two points pull it upwards.
CABLE: tuple[Point, Point, Point, Point] = ((129, 540), (146, 384), (454, 384), (471, 540))
CABLE_STEPS = 600
PACKETS = 4

STARS = 120
# How far, up and down, a level may stray: enough to be seen, and little enough to compress.
GRAIN_STRENGTH = 2
SEED = 70057


def mix(start: Colour, end: Colour, share: float) -> Colour:
    """The colour that lies this share of the way from start to end."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


class Pen:
    """Draws on a canvas in the units of the finished cover."""

    def __init__(self, canvas: Image.Image) -> None:
        self._draw = ImageDraw.Draw(canvas)

    def line(self, points: list[Point], colour: Colour, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        x, y = centre
        self._draw.ellipse(_scaled(x - radius, y - radius, x + radius, y + radius), fill=colour)

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, round_by: float
    ) -> None:
        corners = _scaled(left, top, right, bottom)
        self._draw.rounded_rectangle(corners, radius=round_by * SCALE, fill=colour)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=colour)

    def text(self, place: Point, text: str, size: float, colour: Colour, weight: float = 0) -> None:
        """Write text whose baseline starts at place; weight thickens the one face there is."""
        x, y = place
        self._draw.text(
            (x * SCALE, y * SCALE),
            text,
            fill=colour,
            font=ImageFont.load_default(size=size * SCALE),
            anchor="ls",
            stroke_width=round(weight * SCALE),
            stroke_fill=colour,
        )


def _scaled(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [left * SCALE, top * SCALE, right * SCALE, bottom * SCALE]


def blank() -> Image.Image:
    return Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), BLACK)


def draw_sky() -> Image.Image:
    """Night at the top, growing light towards the lower edge."""
    ramp = Image.linear_gradient("L").resize((WIDTH * SCALE, HEIGHT * SCALE))
    return ImageOps.colorize(ramp, black=NIGHT, mid=DUSK, white=DAWN, midpoint=150)


def draw_stars(chance: random.Random) -> Image.Image:
    layer = blank()
    pen = Pen(layer)
    for _ in range(STARS):
        place = (chance.uniform(0, WIDTH), chance.uniform(0, HEIGHT * 0.62))
        pen.disc(place, chance.uniform(0.4, 1.1), mix(BLACK, CREAM, chance.uniform(0.15, 0.6)))
    return layer


def globe_nodes() -> list[tuple[float, float, float]]:
    """Points spread evenly over a unit sphere, tilted; z points at the reader."""
    turn = math.pi * (3 - math.sqrt(5))
    nodes = []
    for number in range(GLOBE_NODES):
        y = 1 - 2 * (number + 0.5) / GLOBE_NODES
        ring = math.sqrt(1 - y * y)
        x, z = ring * math.cos(turn * number), ring * math.sin(turn * number)
        tilted_y = y * math.cos(GLOBE_TILT) - z * math.sin(GLOBE_TILT)
        nodes.append((x, tilted_y, y * math.sin(GLOBE_TILT) + z * math.cos(GLOBE_TILT)))
    return nodes


def on_cover(node: tuple[float, float, float]) -> Point:
    x, y = GLOBE_CENTRE
    return x + node[0] * GLOBE_RADIUS, y - node[1] * GLOBE_RADIUS


def nearness(node: tuple[float, float, float]) -> float:
    """How brightly a node is lit: the nearer to the reader, the brighter."""
    return 0.05 + 0.57 * math.pow((node[2] + 1) / 2, 1.5)


def draw_globe() -> Image.Image:
    """The web of nodes, fading towards its far side."""
    layer = blank()
    pen = Pen(layer)
    nodes = globe_nodes()
    for number, node in enumerate(nodes):
        light = nearness(node)
        for other in nodes[:number]:
            if math.dist(node, other) < LINK_REACH:
                pen.line([on_cover(node), on_cover(other)], mix(BLACK, MINT, light * 0.6), 0.9)
        pen.disc(on_cover(node), 2.0, mix(BLACK, MINT, light + 0.15))
    return layer


def draw_busy_nodes(pen: Pen) -> None:
    near = [node for node in globe_nodes() if node[2] > 0]
    # Sorted by depth they are scattered; in the order of the spiral they would form a line.
    for node in sorted(near, key=itemgetter(2))[::BUSY_EVERY]:
        pen.disc(on_cover(node), 5.4, mix(DUSK, AMBER, 0.25 + 0.2 * node[2]))
        pen.disc(on_cover(node), 3.2, mix(DUSK, AMBER, 0.7 + 0.3 * node[2]))


def draw_haze() -> Image.Image:
    """The soft light behind the globe."""
    layer = blank()
    Pen(layer).disc(GLOBE_CENTRE, GLOBE_RADIUS, mix(BLACK, DAWN, 0.4))
    return layer.filter(ImageFilter.GaussianBlur(38 * SCALE))


def with_glow(layer: Image.Image, radius: float) -> Image.Image:
    blurred = layer.filter(ImageFilter.GaussianBlur(radius * SCALE))
    return ImageChops.add(layer, blurred)


def cable_point(share: float) -> Point:
    """The place this share of the way along the cable, a Bézier curve."""
    rest = 1 - share
    weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
    x, y = (
        sum(weight * point[axis] for weight, point in zip(weights, CABLE, strict=True))
        for axis in (0, 1)
    )
    return x, y


def cable_points() -> list[Point]:
    return [cable_point(step / CABLE_STEPS) for step in range(CABLE_STEPS + 1)]


def packet_places() -> list[Point]:
    """Places that divide the cable into equal lengths."""
    points = cable_points()
    lengths = list(accumulate((math.dist(*pair) for pair in pairwise(points)), initial=0.0))
    wanted = (lengths[-1] * number / (PACKETS + 1) for number in range(1, PACKETS + 1))
    return [points[bisect(lengths, length)] for length in wanted]


def draw_cable_light() -> Image.Image:
    layer = blank()
    pen = Pen(layer)
    pen.line(cable_points(), mix(BLACK, AMBER, 0.55), 7)
    for place in packet_places():
        pen.disc(place, 22, mix(BLACK, AMBER, 0.5))
    return layer.filter(ImageFilter.GaussianBlur(11 * SCALE))


def draw_cable(pen: Pen) -> None:
    """A row of overlapping discs: a thick line of short pieces comes out with ragged edges."""
    for radius, colour in ((3.5, NIGHT), (1.9, AMBER)):
        for place in cable_points():
            pen.disc(place, radius, colour)


def draw_packet(pen: Pen, centre: Point) -> None:
    """An envelope, the flap drawn as two lines."""
    x, y = centre
    pen.box(x - 17, y - 12, x + 17, y + 12, NIGHT, 4)
    pen.box(x - 15, y - 10, x + 15, y + 10, CREAM, 2.5)
    pen.line([(x - 13, y - 8), (x, y + 2), (x + 13, y - 8)], STEEL, 1.6)


def draw_plug(pen: Pen, end: Point) -> None:
    """A plug below the end of the cable, and the socket that holds it."""
    x, y = end
    pen.box(x - 18, y + 14, x + 18, y + 32, NIGHT, 5)
    pen.box(x - 16, y + 16, x + 16, y + 30, SHADE, 3)
    pen.box(x - 11, y - 8, x + 11, y + 18, NIGHT, 5)
    pen.box(x - 9, y - 6, x + 9, y + 16, AMBER, 3.5)
    for offset in (-4, 0, 4):
        pen.line([(x + offset, y), (x + offset, y + 10)], mix(AMBER, NIGHT, 0.5), 1.2)


def draw_shadow() -> Image.Image:
    """The darkening under the two computers, as a mask."""
    mask = Image.new("L", (WIDTH * SCALE, HEIGHT * SCALE), 0)
    draw = ImageDraw.Draw(mask)
    draw.ellipse(_scaled(40, 730, 218, 768), fill=170)
    draw.ellipse(_scaled(382, 730, 560, 768), fill=170)
    return mask.filter(ImageFilter.GaussianBlur(9 * SCALE))


def draw_terminal(pen: Pen) -> None:
    """The first computer: a screen with a request on it, and a keyboard."""
    pen.box(58, 560, 200, 676, NIGHT, 11)
    pen.box(60, 562, 198, 674, SHELL, 9)
    pen.box(70, 572, 188, 656, NIGHT, 5)
    for row, (text, colour) in enumerate(
        (("GET / HTTP/1.0", MINT), ("Host: practice", MINT), ("200 OK", AMBER))
    ):
        pen.text((79, 592 + 18 * row), text, 12.5, colour)
    pen.box(79, 637, 86, 647, CREAM, 0)
    pen.disc((129, 665), 2.6, SHADE)
    pen.polygon([(110, 676), (148, 676), (155, 706), (103, 706)], NIGHT)
    pen.polygon([(112, 676), (146, 676), (152.6, 706), (105.4, 706)], SHADE)
    pen.box(54, 702, 204, 750, NIGHT, 9)
    pen.box(56, 704, 202, 748, SHELL, 7)
    draw_keys(pen)


def draw_keys(pen: Pen) -> None:
    for row in range(3):
        top = 711.5 + row * 10.5
        for column in range(10):
            left = 65 + column * 13
            if row < 2 or column not in range(2, 8):
                pen.box(left, top, left + 11, top + 8, SHADE, 1.6)
    pen.box(91, 732.5, 167, 740.5, SHADE, 1.6)


def draw_server(pen: Pen) -> None:
    """The second computer: a cabinet of drives with their lamps."""
    pen.box(396, 560, 546, 750, NIGHT, 11)
    pen.box(398, 562, 544, 748, SHELL, 9)
    for shelf in range(4):
        top = 574 + shelf * 42
        pen.box(410, top, 532, top + 34, STEEL, 5)
        pen.box(418, top + 8, 430, top + 26, mix(STEEL, SHADE, 0.3), 2)
        for slot in range(9):
            x = 443 + slot * 6
            pen.line([(x, top + 8), (x, top + 26)], NIGHT, 2)
        for lamp, colour in enumerate((MINT, AMBER if shelf % 2 else MINT)):
            pen.disc((507 + lamp * 13, top + 17), 3.6, colour)


def draw_title(pen: Pen) -> None:
    for row, word in enumerate(TITLE):
        pen.text((MARGIN - TITLE_INSET, 140 + row * 94), word, TITLE_SIZE, CREAM, weight=1)
    pen.box(MARGIN, 276, MARGIN + 72, 280, AMBER, 2)
    pen.text((MARGIN, 322), SUBTITLE, 29, mix(CREAM, MINT, 0.35))


def add_grain(cover: Image.Image, chance: random.Random) -> Image.Image:
    """A fine texture, like that of printed cloth."""
    noise = Image.frombytes("L", cover.size, chance.randbytes(cover.width * cover.height))
    low = 128 - GRAIN_STRENGTH
    grain = noise.point([low + level * GRAIN_STRENGTH * 2 // 255 for level in range(256)])
    return ImageChops.add(cover, Image.merge("RGB", (grain,) * 3), offset=-128)


def draw_cover() -> Image.Image:
    chance = random.Random(SEED)
    cover = ImageChops.add(draw_sky(), draw_haze())
    for layer in (draw_stars(chance), with_glow(draw_globe(), 4), draw_cable_light()):
        cover = ImageChops.screen(cover, layer)
    pen = Pen(cover)
    draw_busy_nodes(pen)
    cover.paste(NIGHT, mask=draw_shadow())
    draw_title(pen)
    draw_cable(pen)
    for end in (CABLE[0], CABLE[-1]):
        draw_plug(pen, end)
    draw_terminal(pen)
    draw_server(pen)
    for place in packet_places():
        draw_packet(pen, place)
    return add_grain(cover.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), chance)


def encode(cover: Image.Image) -> bytes:
    """The cover as a baseline JPEG, at the best quality that leaves room for a comment."""
    for quality in QUALITIES:
        buffer = BytesIO()
        cover.save(buffer, "JPEG", quality=quality, optimize=True, progressive=False)
        spare = FILE_SIZE - COMMENT_OVERHEAD - len(buffer.getvalue())
        if 0 <= spare <= COMMENT_MAX_TEXT:
            return buffer.getvalue()
    raise ValueError(f"no quality in {QUALITIES} gives a file just under {FILE_SIZE} bytes")


def fill_up(jpeg: bytes) -> bytes:
    """Bring the file to its exact size with a comment after its first segment, the JFIF one."""
    space = FILE_SIZE - COMMENT_OVERHEAD - len(jpeg)
    text = (FILLER * (space // len(FILLER) + 1))[:space]
    comment = COMMENT_MARKER + (len(text) + 2).to_bytes(2, "big") + text
    # The start marker and the marker of the first segment take two bytes each; its length follows.
    end = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:end] + comment + jpeg[end:]


def main(arguments: list[str]) -> None:
    path = Path(arguments[0]) if arguments else DEFAULT_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fill_up(encode(draw_cover())))


if __name__ == "__main__":
    main(sys.argv[1:])
