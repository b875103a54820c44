"""report.py CHECK PAGE …: looks into a page of ardm report; prints a line a check and exits 1 where one fails.

whole PAGE                        well-formed as HTML and as XML, each drawing and picture too, nothing from outside, nothing that runs
log PAGE LOG.CSV                  rows and last values are the log's
budgets PAGE SCHEDULE.JSON        predicted bits are those of ardm schedule
command PAGE WORDS …              the one command that begins with these words, for a shell
picture PAGE FILE.png             the page's first picture is this file
held PAGE MEAN                    captions of held-out items have this mean
pictures PAGE N                   so many pictures
text PAGE ID FILE                 the text of the element is the file's
notes PAGE WORDS                  a note says so
"""
import base64
import html.parser
import json
import re
import struct
import sys
import xml.etree.ElementTree as tree
import zlib

XHTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
VOID = {"meta", "img", "br", "hr", "link", "input"}
failed = 0


def check(what, holds):
    global failed
    print(("ok: " if holds else "FAILED: ") + what)
    failed |= not holds


class Balanced(html.parser.HTMLParser):
    """What a browser's parser meets: each element closed by its own tag."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.tags, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def text_of(element):
    return "".join(element.itertext())


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def by_id(root, name):
    found = [e for e in root.iter() if e.get("id") == name]
    return found[0] if len(found) == 1 else None


def table(root, name):
    found = by_id(root, name)
    return [] if found is None else [[text_of(cell) for cell in row] for row in found.iter(XHTML + "tr")]


def media(root, kind):
    for element in root.iter():
        source = element.get("src") or ""
        if source.startswith("data:%s;base64," % kind):
            yield base64.b64decode(source.split(",", 1)[1], validate=True)


def whole_png(data):
    """Signature, checksums and all the lines that the header promises."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    at, packed, header, end = 8, b"", None, False
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if zlib.crc32(kind + body) != struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]:
            return False
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        end = kind == b"IEND"
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    return end and len(zlib.decompress(packed)) == height * (1 + (width * channels * depth + 7) // 8)


def whole(path):
    text = read(path)
    parser = Balanced()
    parser.feed(text)
    parser.close()
    check("html.parser: every element is closed (%d)" % len(parser.tags), not parser.open and not parser.wrong and len(parser.tags) > 20)
    root = tree.fromstring(text)
    check("it is XML", root.tag == XHTML + "html")
    runs = {"script", "iframe", "object", "embed", "link", "base", "form"} & set(parser.tags)
    check("nothing runs and nothing is fetched %s" % (sorted(runs) or ""), not runs and not any(n.startswith("on") for _, n, _ in parser.attributes))
    outside = [(t, n, v) for t, n, v in parser.attributes
               if n in ("src", "href", "data", "action", "srcset", "poster") and not v.startswith(("data:", "#"))]
    style = "".join(text_of(e) for e in root.iter(XHTML + "style"))
    check("no address but data: and #", not outside and "url(" not in style and "@import" not in style)
    check("both schemes, phone, printer", all(w in text for w in ("prefers-color-scheme:dark", "@media print", "width=device-width")))
    drawings = re.findall(r"<svg.*?</svg>", text, re.S)
    for drawing in drawings:
        one = tree.fromstring(drawing)
        numbers = " ".join(e.get(n) or "" for e in one.iter() for n in ("points", "x", "y", "cx", "cy", "width", "height"))
        if one.find(SVG + "title") is None or "nan" in numbers or "inf" in numbers:
            check("a drawing has a title and finite places", False)
    check("%d drawings are XML" % len(drawings), len(drawings) == len(list(root.iter(SVG + "svg"))))
    pictures = list(media(root, "image/png"))
    check("%d pictures are PNG" % len(pictures), all(whole_png(p) for p in pictures) and len(pictures) == text.count("<img"))


def log(path, csv):
    root = tree.fromstring(read(path))
    rows = [line.split(",") for line in read(csv).splitlines()]
    shown = table(root, "rows")
    check("%d rows of the log, to the letter" % (len(rows) - 1), shown == rows and len(rows) > 1)
    last = dict(zip(rows[0], rows[-1]))
    legends = {svg.find(SVG + "title").text: [t.text for t in svg.iter(SVG + "text")] for svg in root.iter(SVG + "svg")}
    for title, column in (("Training batches", "bits_per_dim"), ("Held-out bound", "bound"), ("Learning rate", "lr"), ("Gradient norm", "grad_norm"),
                          ("Clipped steps", "clipped"), ("Flushed gradients", "flushed")):
        check("%s ends at %s" % (title, last[column]), any(t.endswith(" " + last[column]) for t in legends.get(title, [])))
    paces = [(float(b[1]) - float(a[1])) / (float(b[0]) - float(a[0])) for a, b in zip(rows[1:], rows[2:])]
    check("seconds a step: %.5g" % paces[-1], "last %.5g" % paces[-1] in legends["Time of a step"])
    values = [float(r[3]) for r in rows[1:]]
    reach = len(values) // 50 + 1
    near = values[-1 - reach:]
    check("smoothed: %.5f" % (sum(near) / len(near)), "smoothed %.5f" % (sum(near) / len(near)) in legends["Training batches"])
    best = min(float(r[4]) for r in rows[1:])
    check("best bound: %.5f" % best, any(text_of(e).startswith("%.5fbest held-out" % best) for e in root.iter(XHTML + "li")))
    # The line of the bound runs through the rows: its places, turned back into values by two of the axis' marks.
    svg = [s for s in root.iter(SVG + "svg") if s.find(SVG + "title").text == "Held-out bound"][0]
    marks = [(float(t.get("y")), float(t.text)) for t in svg.iter(SVG + "text") if t.get("text-anchor") == "end" and float(t.get("x")) < 60]
    (y0, v0), (y1, v1) = marks[0], marks[-1]
    line = [p for p in svg.iter(SVG + "polyline") if p.get("class") == "line"][0]
    drawn = [v0 + (float(p.split(",")[1]) - y0) * (v1 - v0) / (y1 - y0) for p in line.get("points").split()]
    pixel = abs((v1 - v0) / (y1 - y0))
    check("the bound is drawn where it is", len(drawn) == len(rows) - 1 and all(abs(d - float(r[4])) < 0.02 * pixel for d, r in zip(drawn, rows[1:])))


def budgets(path, schedule):
    root = tree.fromstring(read(path))
    want = [["%d" % b["calls"]] + ["%.4f" % b[k] for k in ("bits_per_dim", "equal_split", "uniform_steps")] for b in json.loads(read(schedule))]
    check("%d budgets are predicted as ardm schedule does" % len(want), [r[:4] for r in table(root, "predicted")[1:]] == want and len(want) > 1)


def command(path, *words):
    found = [text_of(e) for e in tree.fromstring(read(path)).iter(XHTML + "pre") if text_of(e).startswith(" ".join(words) + " ")]
    if len(found) != 1:
        sys.exit("%d commands begin with %s" % (len(found), " ".join(words)))
    print(found[0])


def picture(path, png):
    with open(png, "rb") as file:
        check("the samples are those of ardm sample", next(media(tree.fromstring(read(path)), "image/png")) == file.read())


def held(path, mean):
    captions = [float(m) for m in re.findall(r"<figcaption>([0-9.]+) bits a dimension", read(path))]
    check("%d held-out items cost %s in the mean" % (len(captions), mean), captions and abs(sum(captions) / len(captions) - float(mean)) < 1e-4)


def pictures(path, n):
    check("%s pictures" % n, len(list(media(tree.fromstring(read(path)), "image/png"))) == int(n))


def text(path, name, file):
    check("%s is %s" % (name, file), text_of(by_id(tree.fromstring(read(path)), name)) == read(file))


def notes(path, words):
    check("a note says '%s'" % words, any(words in text_of(e) for e in tree.fromstring(read(path)).iter(XHTML + "p") if e.get("class") == "note"))


globals()[sys.argv[1]](*sys.argv[2:])
sys.exit(failed)
