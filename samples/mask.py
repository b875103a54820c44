"""mask.py WIDTH HEIGHT OUT.pgm: a mask for ardm infill, white where the picture is missing: a disc and a bar."""
import sys

width, height, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def missing(x, y):
    disc = (x - 0.58 * width) ** 2 + (y - 0.7 * height) ** 2 < (0.09 * width) ** 2
    bar = 0.1 * width < x < 0.4 * width and 0.3 * height < y < 0.34 * height
    return 255 if disc or bar else 0


with open(path, "wb") as out:
    out.write(b"P5\n%d %d\n255\n" % (width, height))
    out.write(bytes(missing(x, y) for y in range(height) for x in range(width)))
