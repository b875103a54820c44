"""Draws samples/data/harbour.ppm: a 256x256 RGB picture made of nothing but formulas, so that its licence is ours.

Sky, sea, hills, boats and grain from a seeded generator; smooth, textured and sharp places, as photographs have."""
import math
import random
import sys

SIZE = 256
random.seed(20261124)


def lattice(scale, seed):
    """Value noise: bilinear interpolation of random lattice points with a smooth weight."""
    generator = random.Random(seed)
    side = SIZE // scale + 2
    grid = [[generator.random() for _ in range(side)] for _ in range(side)]

    def at(x, y):
        u, v = x / scale, y / scale
        i, j = int(u), int(v)
        s, t = u - i, v - j
        s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
        top = grid[j][i] * (1 - s) + grid[j][i + 1] * s
        bottom = grid[j + 1][i] * (1 - s) + grid[j + 1][i + 1] * s
        return top * (1 - t) + bottom * t

    return at


clouds = [lattice(scale, 10 + scale) for scale in (64, 32, 16, 8)]
rough = [lattice(scale, 90 + scale) for scale in (32, 16, 8, 4, 2)]


def octaves(noise, x, y):
    return sum(f(x, y) / 2 ** k for k, f in enumerate(noise)) / sum(1 / 2 ** k for k in range(len(noise)))


def mix(a, b, t):
    t = min(1, max(0, t))
    return tuple(p * (1 - t) + q * t for p, q in zip(a, b))


def hull(x, y, cx, cy, size):
    return abs(x - cx) < size * (1 - 0.35 * max(0, (y - cy)) / (0.25 * size)) and 0 <= y - cy < 0.25 * size


def sail(x, y, cx, cy, size):
    height = (cy - y) / (1.6 * size)
    return 0 < height < 1 and 0 < x - cx < 0.8 * size * (1 - height)


boats = [(60, 168, 20, (150, 60, 45)), (150, 182, 30, (60, 70, 90)), (214, 160, 14, (170, 140, 70))]


def pixel(x, y):
    horizon, far, near = 140, 118 + 16 * rough[0](x, 40), 132 + 14 * rough[1](x, 90) - 0.05 * x
    if y < min(far, near, horizon):
        color = mix((92, 132, 188), (222, 205, 186), y / horizon)
        color = mix(color, (244, 240, 236), 1.8 * (octaves(clouds, x, 1.6 * y % 255) - 0.45))
        glow = math.exp(-((x - 196) ** 2 + (y - 84) ** 2) / 1400)
        color = mix(color, (255, 226, 160), glow)
    elif y < near and y < horizon:
        color = mix((96, 108, 124), (120, 128, 120), octaves(rough, x, y))
    elif y < horizon:
        color = mix((52, 68, 44), (110, 112, 62), 1.4 * octaves(rough, x, y) - 0.2)
    elif y < 226 + 6 * rough[0](x, 200):
        wave = math.sin(0.9 * y + 4 * rough[1](x, y) + 0.05 * x) * (y - horizon) / 110
        color = mix((58, 92, 112), (140, 160, 168), 0.35 + 0.3 * wave + 0.5 * (octaves(rough, x, y) - 0.5))
        color = mix(color, (246, 214, 160), 0.7 * math.exp(-((x - 196) / (6 + 0.2 * (y - horizon))) ** 2) * (0.5 + 0.5 * wave))
    else:
        color = mix((120, 104, 82), (186, 166, 132), octaves(rough, x, y))
    for cx, cy, size, paint in boats:
        if hull(x, y, cx, cy, size):
            color = mix(paint, (20, 20, 24), (y - cy) / (0.3 * size))
        elif sail(x, y, cx, cy - 2, size):
            color = mix((236, 230, 214), (190, 180, 170), (x - cx) / size)
        elif abs(x - cx) < 0.8 and cy - 1.8 * size < y < cy:
            color = (60, 44, 30)
    grain = random.gauss(0, 2.2)
    return bytes(min(255, max(0, round(c + grain + random.gauss(0, 0.8)))) for c in color)


with open(sys.argv[1], "wb") as out:
    out.write(b"P6\n%d %d\n255\n" % (SIZE, SIZE))
    for row in range(SIZE):
        for column in range(SIZE):
            out.write(pixel(column, row))
