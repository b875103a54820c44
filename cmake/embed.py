"""embed.py SOURCE SHOWN SYMBOL OUTPUT: writes a kernel's text as a C byte array."""
import os
import sys

source, shown, symbol, output = sys.argv[1:]
text = ('#line 1 "%s"\n' % shown).encode() + open(source, "rb").read() + b"\0"
os.makedirs(os.path.dirname(output), exist_ok=True)
with open(output, "w") as out:
    out.write("static const char text[] = {")
    for begin in range(0, len(text), 24):
        out.write("\n" + ",".join(str(byte - 256 * (byte > 127)) for byte in text[begin:begin + 24]) + ",")
    out.write("\n};\nextern const char *const %s;\nconst char *const %s = text;\n" % (symbol, symbol))
