"""png.py IN.ppm OUT.png: a PNG of the same pixels, each row with the filter of least absolute sum, deflate level 9."""
import struct
import sys
import zlib


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(row, above, kind):
    left = bytes(3) + row[:-3]
    corner = bytes(3) + above[:-3]
    guess = (
        bytes(len(row)),
        left,
        above,
        bytes((a + b) // 2 for a, b in zip(left, above)),
        bytes(paeth(a, b, c) for a, b, c in zip(left, above, corner)),
    )[kind]
    return bytes((x - g) & 255 for x, g in zip(row, guess))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


magic, size, depth, pixels = open(sys.argv[1], "rb").read().split(b"\n", 3)
if magic != b"P6" or depth != b"255":
    sys.exit("%s: not a plain 8-bit PPM" % sys.argv[1])
width, height = map(int, size.split())
lines, above = [], bytes(3 * width)
for y in range(height):
    row = pixels[y * 3 * width:(y + 1) * 3 * width]
    tried = [(kind, filtered(row, above, kind)) for kind in range(5)]
    kind, best = min(tried, key=lambda pair: sum(min(v, 256 - v) for v in pair[1]))
    lines.append(bytes([kind]) + best)
    above = row
with open(sys.argv[2], "wb") as out:
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
    out.write(chunk(b"IDAT", zlib.compress(b"".join(lines), 9)) + chunk(b"IEND", b""))
