"""logits.py PROGRAM GOLDEN: our networks in plain Python, written by graphs/networks/README.md and the ops that it names, not by the code.

PROGRAM prints inputs, weights and outputs of networks; golden models are read from their safetensors files. Their logits are computed again
here, in doubles, and must agree to 2e-5: f32 leaves 3e-6. Images are lists of rows of pixels, sounds and texts one row."""
import configparser, json, math, struct, subprocess, sys

WITHIN = 2e-5


class Tensor:
    def __init__(self, shape, data):
        self.shape, self.data = shape, data


def safetensors(path):
    """Every weight of a model file, widened, and its metadata (method/model.md)."""
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    head, body, found = json.loads(raw[8:8 + size]), raw[8 + size:], {}
    meta = head.pop("__metadata__")
    for name, t in head.items():
        part = body[t["data_offsets"][0]:t["data_offsets"][1]]
        if t["dtype"] == "F32":
            found[name] = Tensor(t["shape"], struct.unpack("<%df" % (len(part) // 4), part))
        elif t["dtype"] == "BF16":
            words = struct.unpack("<%dH" % (len(part) // 2), part)
            found[name] = Tensor(t["shape"], [struct.unpack("<f", struct.pack("<I", w << 16))[0] for w in words])
    return found, meta


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def silu(v):
    return [x * sigmoid(x) for x in v]


def relu(v):
    return [max(x, 0) for x in v]


def gelu(v):
    return [0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))) for x in v]


def add(a, b):
    return [x + y for x, y in zip(a, b)]


def sinusoid(x, width):
    half = width // 2
    angles = [x * math.exp(-math.log(1e4) * i / max(half - 1, 1)) for i in range(half)]
    return [math.sin(a) for a in angles] + [math.cos(a) for a in angles]


class Net:
    """Layers by the names of their tensors. A picture is h[y][x], a list of channels; void[y][x] says where nothing is."""

    def __init__(self, weights, facts):
        self.w, self.f, self.eps = weights, facts, 1e-6 if facts["paper"] else 1e-5

    def row(self, name, index):
        width = self.w[name].shape[1]
        return list(self.w[name].data[index * width:(index + 1) * width]) if index >= 0 else [0.0] * width

    def dense(self, name, v):
        w = self.w[name + ".weight"]
        n, m = w.shape
        assert n == len(v), (name, n, len(v))
        y = list(self.w[name + ".bias"].data) if name + ".bias" in self.w else [0.0] * m
        for k, x in enumerate(v):
            if x:
                y = [a + x * b for a, b in zip(y, w.data[k * m:(k + 1) * m])]
        return y

    def conv(self, name, h, dilation=1):
        w, bias = self.w[name + ".kernel"], self.w[name + ".bias"].data
        high, wide, n, m = w.shape
        out = []
        for y in range(len(h)):
            out.append([])
            for x in range(len(h[0])):
                sums = list(bias)
                for dy in range(high):
                    for dx in range(wide):
                        v, u = y + (dy - high // 2) * dilation, x + (dx - wide // 2) * dilation
                        if not (0 <= v < len(h) and 0 <= u < len(h[0])):
                            continue
                        at = (dy * wide + dx) * n * m
                        assert len(h[v][u]) == n, (name, len(h[v][u]), n)
                        for k, value in enumerate(h[v][u]):
                            if value:
                                sums = [a + value * b for a, b in zip(sums, w.data[at + k * m:at + (k + 1) * m])]
                out[-1].append(sums)
        return out

    def layer_norm(self, name, v):
        mean = sum(v) / len(v)
        rstd = 1 / math.sqrt(sum((x - mean) ** 2 for x in v) / len(v) + self.eps)
        return [(x - mean) * rstd * g + b for x, g, b in zip(v, self.w[name + ".gain"].data, self.w[name + ".bias"].data)]

    def group_norm(self, name, h, void):
        gain, bias = self.w[name + ".gain"].data, self.w[name + ".bias"].data
        each = len(gain) // self.f["groups"]
        out = [[[0.0] * len(gain) for _ in line] for line in h]
        for g in range(self.f["groups"]):
            some = range(g * each, (g + 1) * each)
            all_of = [h[y][x][c] for y in range(len(h)) for x in range(len(h[0])) if not void[y][x] for c in some]
            mean = sum(all_of) / len(all_of)
            rstd = 1 / math.sqrt(sum((v - mean) ** 2 for v in all_of) / len(all_of) + self.eps)
            for y in range(len(h)):
                for x in range(len(h[0])):
                    for c in some:
                        if not void[y][x]:
                            out[y][x][c] = (h[y][x][c] - mean) * rstd * gain[c] + bias[c]
        return out

    def attention(self, qkv, sees):
        """Queries, keys and values of every position; sees(p, q): whether the query at p sees the key at q."""
        width, heads = len(qkv[0]) // 3, self.f["heads"]
        size, out = width // heads, []
        for p in range(len(qkv)):
            o = []
            for s in range(0, width, size):
                keys = [q for q in range(len(qkv)) if sees(p, q)]
                scores = [sum(a * b for a, b in zip(qkv[p][s:s + size], qkv[q][width + s:width + s + size])) / math.sqrt(size) for q in keys]
                top = max(scores, default=0)
                weights = [math.exp(a - top) for a in scores]
                o += [sum(a * qkv[q][2 * width + s + c] for a, q in zip(weights, keys)) / sum(weights) if keys else 0.0 for c in range(size)]
            out.append(o)
        return out


def each(f, *pictures):
    return [[f(*(p[y][x] for p in pictures)) for x in range(len(pictures[0][0]))] for y in range(len(pictures[0]))]


def hide(h, void):
    return each(lambda v, hidden: [0.0] * len(v) if hidden else v, h, void)


class Item:
    """What a network is shown (op corrupt): ids, values and what is known, of every channel of every position."""

    def __init__(self, case, facts):
        high, wide, channels = case["shape"]
        K, stages, base, stage = facts["classes"], facts["stages"], facts["base"], case["stage"]
        self.case, self.stage, self.time, self.block = case, stage, case["time"], case["block"]
        self.ids, self.values, self.known, self.given, self.void = [], [], [], [], []
        for y in range(high):
            lines = [[], [], [], []]
            for x in range(wide):
                pixel = [[], [], [], []]
                for c in range(channels):
                    u = (y * wide + x) * channels + c
                    symbol, state = case["symbols"][u], case["state"][u]
                    if stages == 1:
                        low, high_, id_ = (0, K - 1, K) if state == 0 else (symbol, symbol, symbol)
                    else:  # zero-least-significant: an id is the least member of its class
                        span = 1 if state >= 2 else base ** (stages - stage - (state == 1))
                        low = id_ = symbol - symbol % span
                        high_ = min(low + span, K) - 1
                    pixel[0].append(-1 if state == 3 else id_)
                    pixel[1].append(0.0 if state == 3 else (low + high_) / (K - 1) - 1)
                    pixel[2].append(float(state in (1, 2)))
                    pixel[3].append(float(state == 2))
                for line, p in zip(lines, pixel):
                    line.append(p)
            for to, line in zip((self.ids, self.values, self.known, self.given), lines):
                to.append(line)
            self.void.append([case["state"][(y * wide + x) * channels] == 3 for x in range(wide)])


def interpolate(item, scales, residual):
    """ops/features/interpolate_rows.h, of processes of one stage: features and centre of every position."""
    v, m = item.values, item.known
    high, wide, channels = len(v), len(v[0]), len(v[0][0])
    features = [[[0.0] * (channels * (2 * scales + 3)) for _ in range(wide)] for _ in range(high)]
    centre = [[[0.0] * channels for _ in range(wide)] for _ in range(high)]
    for y in range(high):
        for x in range(wide):
            for c in range(channels):
                if item.void[y][x]:
                    continue
                f, pairs = {}, []
                for j in range(scales):
                    R = 2 ** (j + 1)
                    near = [(w, u, (R * R - (w - y) ** 2) ** 2 / R ** 4 * (R * R - (u - x) ** 2) ** 2 / R ** 4 * m[w][u][c])
                            for w in range(max(0, y - R + 1), min(high, y + R)) for u in range(max(0, x - R + 1), min(wide, x + R))]
                    pairs.append((sum(k * v[w][u][c] for w, u, k in near), sum(k for _, _, k in near)))
                q = [a / b if b > 0 else None for a, b in pairs]
                for j, (a, b) in enumerate(pairs):
                    f[j], f[scales + j] = (q[j], math.log(b) / 4) if b > 0 else (0, -3)
                f[2 * scales] = 0
                if m[y][x][c] and residual:
                    others = [(a, b) for a, b in pairs if b > 1]
                    if others:
                        own = v[y][x][c]
                        f[2 * scales] = max(-4, min(4, (own - (others[0][0] - own) / (others[0][1] - 1)) * residual))
                elif m[y][x][c]:
                    f[2 * scales] = v[y][x][c] - q[0]
                f[2 * scales + 1], f[2 * scales + 2] = m[y][x][c], item.given[y][x][c]
                for k, value in f.items():
                    features[y][x][k * channels + c] = value
                centre[y][x][c] = next((a for a in q if a is not None), 0)
    return features, centre


def space_to_depth(h, b):
    return [[sum((h[y * b + dy][x * b + dx] for dy in range(b) for dx in range(b)), []) for x in range(len(h[0]) // b)] for y in range(len(h) // b)]


def depth_to_space(h, b):
    size = len(h[0][0]) // (b * b)
    return [[h[y // b][x // b][(y % b * b + x % b) * size:][:size] for x in range(len(h[0]) * b)] for y in range(len(h) * b)]


def flat(h):
    return [v for line in h for v in line]


def attend(net, name, h, void):
    """h plus the attention branch `name` over all positions."""
    qkv = [net.dense(name + ".qkv", v) for v in flat(net.group_norm(name + ".norm", h, void))]
    hidden, wide = flat(void), len(h[0])
    o = net.attention(qkv, lambda p, q: not hidden[q])
    return [[add(h[y][x], net.dense(name + ".out", o[y * wide + x])) for x in range(wide)] for y in range(len(h))]


def units(h, size):
    """A row a unit: the head's slice of each channel."""
    return [v[c:c + size] for v in flat(h) for c in range(0, len(v), size)]


def own(f, rows):
    """Of several experts, each unit's numbers of the item's."""
    size = len(rows[0]) // max(f.get("experts", 0), 1)
    return [r[f["expert"] * size:(f["expert"] + 1) * size] for r in rows] if f.get("experts", 0) > 1 else rows


def unet(net, item, residual=8):
    f = net.f
    seen, centre = interpolate(item, f["scales"], residual)
    void = [line[::f["down"]] for line in item.void[::f["down"]]]
    c = silu(net.dense("time.in", sinusoid(1000 * item.time, f["width"])))
    s = hide(each(silu, net.conv("stem", seen)), item.void)
    h = each(lambda v: net.dense("enter", v), space_to_depth(s, f["down"]))
    for i in range(f["layers"]):
        if f["heads"] and i == f["layers"] // 2:
            h = attend(net, "middle", h, void)
        b = "block%d" % i
        x = net.conv(b + ".in", each(silu, net.group_norm(b + ".norm1", h, void)))
        told = net.dense(b + ".condition", c)
        x = each(lambda v: add(v, told), x)
        h = each(add, h, net.conv(b + ".out", each(silu, net.group_norm(b + ".norm2", x, void))))
    h = each(lambda v: net.dense("leave", silu(v)), net.group_norm("leave.norm", h, void))
    h = hide(depth_to_space(h, f["down"]), item.void)
    h = each(silu, net.conv("last", each(lambda a, b: a + b, h, s)))
    z = each(lambda a, b: net.dense("head", a + b), h, seen) if net.w["head.weight"].shape[0] > len(h[0][0]) else each(
        lambda a: net.dense("head", a), h)
    return own(f, units(z, len(z[0][0]) // f.get("units", item.case["shape"][2]))), [v for p in flat(centre) for v in p]


def diffwave(net, item):
    f = net.f
    tall = Item(dict(item.case, shape=[len(item.values[0]), 1, 1]), f)  # the interpolation sees a sample a row
    seen, centre = interpolate(tall, f["scales"], 8)
    seen = [[p[0] for p in seen]]
    told = [[v[0], p[2 * f["scales"]]] for p, v in zip(seen[0], item.values[0])]
    for size in (4, 32, 256, 2048):
        for p, w in zip(seen[0], told):
            near = [math.tanh(size * a) for a in w]
            p += near + [a * a for a in near]
    c = silu(net.dense("time.in", sinusoid(1000 * item.time, f["width"])))
    h = each(silu, net.conv("enter", seen))
    h = gated(net, item, h, c)
    h = each(lambda said: silu(net.dense("last", said)), h)
    z = each(lambda said, p: net.dense("head", said + p), h, seen)
    z = [own(f, z[0])]
    M, line = f["mixtures"], [v[0] for v in item.values[0]]
    for x, said in enumerate(h[0]):  # a linear rule of 31 samples, in every mean
        rule = net.dense("predict.out", said)
        mean = sum(a * line[x + k - 15] for k, a in enumerate(rule) if 0 <= x + k - 15 < len(line))
        z[0][x] = [a + mean if M <= k < 2 * M else a for k, a in enumerate(z[0][x])]
    return units(z, len(z[0][0])), [p[0][0] for p in centre]


def gated(net, item, h, told):
    """The blocks of both forms: the sum of what they say to the head over the root of their number."""
    f, said = net.f, None
    for i in range(f["layers"]):
        b = "block%d" % i
        condition = net.dense(b + ".condition", told)
        x = net.conv(b + ".gate", hide(each(lambda v: add(v, condition), h), item.void), 2 ** (i % f["cycle"]))
        g = each(lambda v: [math.tanh(p) * sigmoid(q) for p, q in zip(v[:len(v) // 2], v[len(v) // 2:])], x)
        if i + 1 < f["layers"]:
            h = each(lambda v, w: [a / math.sqrt(2) for a in add(v, net.dense(b + ".residual", w))], h, g)
        skip = each(lambda v: net.dense(b + ".skip", v), g)
        said = skip if said is None else each(add, said, skip)
    return each(lambda v: [a / math.sqrt(f["layers"]) for a in v], said)


def context(ids, p, history, buckets):
    """ops/README.md, context_ids: ids(q) is what the position sees at q."""
    if p < history:
        return -1
    h = history * 0x9e3779b1 & 0xffffffff
    for q in range(p - 1, p - history - 1, -1):
        h = (h ^ ids(q)) * 0x85ebca6b & 0xffffffff
        h ^= h >> 15
    h = h * 0xc2b2ae35 & 0xffffffff
    return (h ^ h >> 16) & (buckets - 1)


def transformer(net, item):
    f = net.f
    L, paper, table = len(item.ids[0]), f["paper"], "input.table" if f["paper"] else "token.table"
    noisy = [i[0] for i in item.ids[0]]
    clean = item.case["symbols"] if f["streams"] == 2 else noisy
    every = clean + noisy if f["streams"] == 2 else noisy
    size = item.block or L
    h = []
    for at, id_ in enumerate(every):
        p, own = at % L, every[at - at % L:at - at % L + L]
        v = net.row(table, id_)
        for back in range(1, f["context"] + 1):
            v = add(v, net.row("context%d.table" % back, context(lambda q: (clean if q // size < p // size else own)[q], p, back, f["buckets"])))
        h.append(add(v, [s * (1 if paper else 0.02) for s in sinusoid(7 * p % L if f.get("permuted") else p, f["width"])]))

    def sees(p, q):
        if f["streams"] == 1:
            return not item.void[0][q]
        mine, theirs = p % L // size, q % L // size
        if p < L:
            return q < L and theirs <= mine
        return theirs < mine if q < L else theirs == mine

    told = net.dense("time.second", silu(net.dense("time.first", sinusoid(1000 * item.time, f["width"])))) if f["time"] else None
    for i in range(f["layers"]):
        b = "block%d" % i
        x = [net.layer_norm(b + ".norm1", v) for v in h]
        if b + ".conv.kernel" in net.w:
            x = net.conv(b + ".conv", hide([x], item.void))[0]
        o = net.attention([net.dense(b + ".qkv", v) for v in x], sees)
        h = [add(v, net.dense(b + ".attention.out", a)) for v, a in zip(h, o)]
        x = [net.dense(b + ".mlp.in", net.layer_norm(b + ".norm2", v)) for v in h]
        if told:
            x = [add(v, net.dense(b + ".condition", told)) for v in x]
        h = [add(v, net.dense(b + ".mlp.out", gelu(a))) for v, a in zip(h, x)]
    last = [net.layer_norm("norm", v) for v in h[-L:]]
    if paper:
        return [net.dense("head", v) for v in last], None
    tied = [net.row(table, k) for k in range(f["classes"])]
    return [[sum(a * b for a, b in zip(v, row)) + bias for row, bias in zip(tied, net.w["head.bias"].data)] for v in last], None


def look(net, item):
    """Where the paper's networks for pictures and sounds begin, and what they know of the time."""
    f = net.f
    stage = [float(s == item.stage) for s in range(f["stages"])] if f["stages"] > 1 else []
    numbers = hide(each(lambda v, m: v + m + stage, item.values, item.known), item.void)
    ids = each(lambda p: net.dense("embedding", sum((net.row("embedding.table", i) for i in p), [])), item.ids)
    h = hide(each(lambda a, b: a + b, net.conv("enter", numbers), ids), item.void)
    t = net.dense("time.second", silu(net.dense("time.first", sinusoid(1000 * item.time, f["width"]))))
    return h, silu(t)


def paper_diffwave(net, item):
    h, told = look(net, item)
    h = gated(net, item, each(relu, h), told)
    z = each(lambda v: net.dense("head", relu(net.dense("last", v))), h)
    return units(z, len(z[0][0])), [0.0] * len(item.values[0])


def paper_unet(net, item):
    f = net.f
    h, told = look(net, item)
    void = [line[::f["down"]] for line in item.void[::f["down"]]]
    if f["down"] > 1:
        h = each(lambda v: net.dense("pack", v), space_to_depth(h, f["down"]))

    def residual(name, h):
        x = net.conv(name + ".in", each(silu, net.group_norm(name + ".norm1", h, void)))
        condition = net.dense(name + ".condition", told)
        x = each(lambda v: add(v, condition), x)
        x = net.conv(name + ".out", each(silu, net.group_norm(name + ".norm2", x, void)))
        return each(add, x, each(lambda v: net.dense(name + ".shortcut", v), h) if len(h[0][0]) != f["width"] else h)

    def block(half, i, h):
        h = residual("%s%d" % (half, i), h)
        return attend(net, "%s%d.attention" % (half, i), h, void) if f["heads"] and f["every"] and (i + 1) % f["every"] == 0 else h

    kept = [h]
    for i in range(f["layers"]):
        kept.append(block("down", i, kept[-1]))
    h = residual("middle0", kept[-1])
    if f["heads"]:
        h = attend(net, "middle.attention", h, void)
    h = residual("middle1", h)
    for i in range(f["layers"] + 1):
        h = block("up", i, each(lambda a, b: a + b, h, kept.pop()))
    if f["down"] > 1:
        h = depth_to_space(each(lambda v: net.dense("unpack", v), h), f["down"])
    z = net.conv("head", each(silu, net.group_norm("last.norm", h, item.void)))
    z = units(z, len(z[0][0]) // item.case["shape"][2])
    if f["stages"] > 1:  # direct: the logits of the item's stage
        z = [v[item.stage * f["base"]:(item.stage + 1) * f["base"]] for v in z]
    return z, None


def golden(case):
    weights, meta = safetensors(case["model"])
    config = configparser.ConfigParser()
    config.read_string(meta["ardm.config"])
    n = {k: int(v) for k, v in config["network"].items() if k != "kind"}
    facts = {"kind": config["network"]["kind"], "paper": 0, "time": 0, "classes": 256, "stages": 1, "base": 256, "context": 0, "down": 2,
             "streams": 2 if config["order"]["family"].startswith("blocks") else 1, **n}
    return weights, facts, {} if "residual=8" in meta["ardm.graph"] or facts["kind"] != "unet" else {"residual": 0}  # older models: 0


def main():
    forms = {("transformer", 0): transformer, ("transformer", 1): transformer, ("unet", 0): unet, ("unet", 1): paper_unet,
             ("diffwave", 0): diffwave, ("diffwave", 1): paper_diffwave}
    bad, seen = 0, set()
    for case in json.loads(subprocess.run(sys.argv[1:3], check=True, capture_output=True, text=True).stdout):
        extra = {}
        if "model" in case:
            weights, facts, extra = golden(case)
        else:
            weights, facts = {k: Tensor(t["shape"], t["data"]) for k, t in case["weights"].items()}, case["network"]
        net, form = Net(weights, facts), (facts["kind"], facts["paper"])
        seen.add(form)
        z, centre = forms[form](net, Item(case, facts), **extra)
        rows = [a for v in z for a in v]
        states = [s for s in case["state"][::len(case["state"]) // len(z)] for _ in z[0]]
        off = [abs(a - b) for a, b, s in zip(rows, case["z"], states) if s != 3]
        off += [abs(a - b) for a, b in zip(centre or [], case.get("centre", []))]
        spread = max(case["z"]) - min(case["z"])
        good = len(rows) == len(case["z"]) and max(off) < WITHIN and spread > 0.5 and ("centre" in case) == (centre is not None)
        bad += not good
        print("%s: %s: %d outputs between %.2f and %.2f, largest difference %.1e" % ("ok" if good else "FAILED", case.get("name", case.get(
            "model", "").split("/")[-1]), len(rows), min(case["z"]), max(case["z"]), max(off)))
    sys.exit(bad > 0 or seen != set(forms))


main()
