#!/usr/bin/env python3
"""Tables of runs.md and ablations.md from what run.sh left. Usage: table.py OUT"""
import csv, json, os, sys

out = sys.argv[1]

def read(name, what):
    path = os.path.join(out, name, what + ".json")
    return json.load(open(path)) if os.path.exists(path) else None

def log(name):
    with open(os.path.join(out, name, "log.csv")) as f:
        return list(csv.DictReader(f))

def value(r, key):
    return "%.3f ± %.3f" % (r[key], r[key + "_error"]) if r else ""

def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")

def head(*cells):
    row(*cells)
    row(*("---" for _ in cells))

names = [n for n in sorted(os.listdir(out)) if os.path.exists(os.path.join(out, n, "model.ardm"))]
runs = [n for n in names if read(n, "full")]
if runs:
    print("## Training\n")
    head("run", "steps", "items", "minutes", "held-out bound during training, first to last")
    for n in runs:
        rows = log(n)
        row("`%s`" % n, rows[-1]["step"], rows[-1]["items"], "%.1f" % (float(rows[-1]["seconds"]) / 60), "%s → %s" % (rows[0]["bound"], rows[-1]["bound"]))
    print("\n## By label, bits a dimension\n")
    head("run", "items", "bound", "20 calls", "50 calls", "100 calls", "predicted: 20", "50", "100")
    for n in runs:
        at = [read(n, "calls-%d" % s) for s in (20, 50, 100)]
        some = [a for a in at if a]
        row("`%s`" % n, some[0]["items"] if some else "", value(some[-1], "bound") if some else "",
            *(value(a, "scheduled") for a in at), *("%.3f" % a["predicted"] if a else "" for a in at))
    print("\n## Full order against the bound, the same items\n")
    head("run", "items", "calls an item", "full order", "bound, 256 draws", "difference in standard errors")
    for n in runs:
        r = read(n, "full")
        error = (r["full_order_error"] ** 2 + r["bound_error"] ** 2) ** 0.5
        row("`%s`" % n, r["items"], r["full_order_calls"], "%.5f ± %.5f" % (r["full_order"], r["full_order_error"]),
            "%.5f ± %.5f" % (r["bound"], r["bound_error"]), "%.2f" % ((r["full_order"] - r["bound"]) / error))
    for n in runs:
        r = read(n, "compare")
        if not r:
            continue
        print("\n## %s: order-agnostic, parallel, absorbing diffusion; %d items of %d units, %d draws\n" % (n, r["items"], r["units"], r["draws"]))
        columns = r["columns"]
        head("network calls", *(c["calls"] or "limit" for c in columns))
        for label, key in (("order-agnostic, the bound", "order_agnostic"), ("parallel, predicted", "parallel_predicted"),
                           ("parallel, measured", "parallel_measured"), ("absorbing diffusion, predicted", "diffusion_predicted"),
                           ("absorbing diffusion, measured", "diffusion_measured"), ("calls that decide something", "useful_calls")):
            cells = [c.get(key) for c in columns]
            row(label, *("" if c is None else "%.3f ± %.3f" % (c["bits_per_dim"], c["error"]) if isinstance(c, dict)
                         else ("%.1f" if key == "useful_calls" else "%.3f") % c for c in cells))
ablations = [n for n in names if not read(n, "full") and (n.split("-")[0] in ("image", "text"))]
if ablations:
    print("\n## Ablations\n")
    head("config", "steps", "seconds", "bound, held out during training", "bound, test items", "calls", "at so many calls")
    for n in ablations:
        r, rows = read(n, "bound"), log(n)
        row("`%s`" % n, rows[-1]["step"], "%.0f" % float(rows[-1]["seconds"]), "%.3f ± %.3f" % (float(rows[-1]["bound"]), float(rows[-1]["bound_error"])),
            value(r, "bound"), r["calls"] if r else "", value(r, "scheduled"))
