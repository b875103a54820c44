"""embed.py SOURCE SHOWN SYMBOL OUTPUT: writes a kernel's text as a C byte array.

A line #include "name.clh" is replaced by that file of the source's folder: OpenCL drivers see one text, clang alone sees the include."""
import os
import re
import sys


def text_of(path, shown):
    """The text with its includes put in; #line keeps the driver's messages true to the files."""
    lines = ['#line 1 "%s"' % shown]
    for number, line in enumerate(open(path).read().split("\n"), 1):
        included = re.fullmatch(r'#include "(\w+\.clh)"', line)
        if included:
            lines.append(text_of(os.path.join(os.path.dirname(path), included[1]), os.path.join(os.path.dirname(shown), included[1])))
            lines.append('#line %d "%s"' % (number + 1, shown))
        else:
            lines.append(line)
    return "\n".join(lines)


source, shown, symbol, output = sys.argv[1:]
text = text_of(source, shown).encode() + b"\0"
os.makedirs(os.path.dirname(output), exist_ok=True)
with open(output, "w") as out:
    out.write("static const char text[] = {")
    for begin in range(0, len(text), 24):
        out.write("\n" + ",".join(str(byte - 256 * (byte > 127)) for byte in text[begin:begin + 24]) + ",")
    out.write("\n};\nextern const char *const %s;\nconst char *const %s = text;\n" % (symbol, symbol))
