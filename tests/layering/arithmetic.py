"""arithmetic.py: the rules of exact numerics that a compiler's syntax tree shows, for kernels and references alike.

A float product may not feed an addition (ardm_mul or fma it is), directly, through a cast, a choice or a variable; contraction
is off; no / or built-in function that rounds as it likes. Types come from clang, so integers and doubles are free."""
import os
import re
import subprocess

INEXACT = set("""mad dot mix length normalize distance smoothstep fast_length fast_normalize fast_distance degrees radians
sqrt rsqrt cbrt hypot pow pown powr rootn exp exp2 exp10 expm1 log log2 log10 log1p sin cos tan sincos sinpi cospi tanpi asin acos atan atan2
asinpi acospi atanpi atan2pi sinh cosh tanh asinh acosh atanh erf erfc tgamma lgamma lgamma_r fmod remainder remquo""".split())
INEXACT |= {name + "f" for name in INEXACT}

NODE = re.compile(r"([ |`-]*)(\w+) (0x[0-9a-f]+) ?(?:prev 0x[0-9a-f]+ )?(.*)")
PLACE = re.compile(r"(<[a-z -]+>|[^\s<>,:'\"]+):(\d+)(?::\d+)?")
SKIPPED = {"ImplicitCastExpr", "ParenExpr", "CStyleCastExpr", "ConstantExpr", "ExprWithCleanups"}


class Node:
    def __init__(self, kind, identity, rest, place):
        self.kind, self.identity, self.rest, self.place = kind, identity, rest, place
        self.children = []
        quoted = re.findall(r"'([^']*)'", rest)
        self.type = quoted[0] if quoted else ""
        self.operator = quoted[-1] if kind == "BinaryOperator" and quoted else ""
        if kind == "CompoundAssignOperator":
            self.operator = next((q for q in quoted if q.endswith("=")), "")
        # A typedef is followed by what it stands for: 'real':'float'.
        sugar = re.match(r"[^']*'[^']*':'([^']*)'", rest)
        self.float = is_float(sugar[1] if sugar else self.type)

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def is_float(text):
    return bool(re.search(r"\b(float|half)\d*\b", text)) and not re.search(r"[*\[(]", text.replace("__attribute__((ext_vector_type(", "")
                                                                          .replace("__attribute__((__vector_size__(", ""))


def parse(dump):
    """The dump's tree. clang prints only the part of a place that differs from the place printed before."""
    root, stack, file, line = Node("Root", "", "", ("", 0)), [], "", 0
    stack.append((-1, root))
    for text in dump.splitlines():
        match = NODE.match(text)
        if not match:
            continue
        prefix, kind, identity, rest = match.groups()
        first = None
        for place in PLACE.finditer(rest.split("'")[0]):
            if place[1] == "line":
                line = int(place[2])
            elif place[1] != "col":
                file, line = place[1], int(place[2])
            first = first or (file, line)
        node = Node(kind, identity, rest, first or (file, line))
        while stack[-1][0] >= len(prefix):
            stack.pop()
        stack[-1][1].children.append(node)
        stack.append((len(prefix), node))
    return root


def values(node):
    """The expressions whose value this one may hand on unchanged."""
    if node.kind in SKIPPED or (node.kind == "UnaryOperator" and re.search(r"prefix '[-+]'", node.rest)):
        for child in node.children[-1:]:
            yield from values(child)
    elif node.kind == "ConditionalOperator":
        for child in node.children[1:]:
            yield from values(child)
    else:
        yield node


def variable(node):
    match = re.search(r" (?:Var|ParmVar) (0x[0-9a-f]+) ", node.rest) if node.kind == "DeclRefExpr" else None
    return match[1] if match else None


def products(function):
    """Variables that hold a bare product at some time."""
    found = set()
    for node in function.walk():
        if node.kind == "VarDecl" and node.children and any(is_product(v) for v in values(node.children[-1])):
            found.add(node.identity)
        elif node.kind == "BinaryOperator" and node.operator == "=" and node.float and any(is_product(v) for v in values(node.children[1])):
            found.update(filter(None, [variable(v) for v in values(node.children[0])]))
        elif node.kind == "CompoundAssignOperator" and node.operator == "*=" and node.float:
            found.update(filter(None, [variable(v) for v in values(node.children[0])]))
    return found


def is_constant(node):
    return node.kind.endswith("Literal") or bool(node.children) and node.kind != "CallExpr" and all(is_constant(c) for c in node.children)


def is_product(node):
    return node.kind == "BinaryOperator" and node.operator == "*" and node.float and not is_constant(node)


def faults(function, contracts):
    held = products(function)
    for node in function.walk():
        if node.kind in ("BinaryOperator", "CompoundAssignOperator") and node.float:
            sign = node.operator.rstrip("=")
            if sign in ("+", "-"):
                for operand in (v for child in node.children for v in values(child)):
                    if is_product(operand):
                        yield node.place, "a bare product feeds %s: ardm_mul or fma it" % node.operator
                    elif variable(operand) in held:
                        yield node.place, "a variable that holds a bare product feeds %s: ardm_mul or fma it" % node.operator
            elif sign == "/" and not is_constant(node):
                yield node.place, "/ on floats: ardm_divide or ardm_reciprocal"
            if contracts and sign in ("+", "-", "*") and "FPContractMode=0" not in node.rest and node.operator in ("+", "-", "*"):
                yield node.place, "contraction is on here: #pragma OPENCL FP_CONTRACT OFF"
        elif node.kind == "CallExpr" and node.children:
            called = re.search(r" Function 0x[0-9a-f]+ '(\w+)'", " ".join(v.rest for v in values(node.children[0])))
            name = called[1] if called else ""
            if (name in INEXACT and node.float) or re.match(r"(native|half)_", name):
                yield node.place, "%s is not exact: use exact.h" % name


def check(command, path, shown, root):
    """Compiles `path` and returns what is wrong in it and in our files that it includes."""
    command = [word for word in command if not word.startswith("-W")]  # other checks warn
    result = subprocess.run([*command, "-Xclang", "-ast-dump", "-fno-color-diagnostics", path], capture_output=True, text=True, errors="replace")
    if result.returncode:
        return ["%s: does not compile alone: %s" % (shown, result.stderr.strip()[:800])]
    found = []
    for function in (node for unit in parse(result.stdout).children for node in unit.children):
        file = os.path.relpath(os.path.join(os.getcwd(), function.place[0]), root)
        if function.kind != "FunctionDecl" or file.startswith("..") or file.endswith("ardm/exact.h"):
            continue
        for (name, line), fault in faults(function, shown.endswith(".cl")):
            fault = "%s:%d: %s" % (os.path.relpath(os.path.join(os.getcwd(), name), root), line, fault)
            if fault not in found:
                found.append(fault)
    return found


def _kernel(body):
    return "kernel void planted(global float *y, const float a, const float b, const float c) {\n    %s\n}\n" % body


def _reference(body):
    return "#include <math.h>\nfloat planted(float a, float b, float c);\nfloat planted(float a, float b, float c) {\n    %s\n}\n" % body


PLANTS = [
    ("ops/planted.cl", _kernel("y[0] = a * b + c;"), "planted.cl:2: a bare product feeds +"),
    ("ops/planted.cl", _kernel("y[0] = c - (a * b);"), "feeds -"),
    ("ops/planted.cl", _kernel("y[0] += a * b;"), "feeds +="),
    ("ops/planted.cl", _kernel("y[0] = (a > 0 ? a * b : c) + c;"), "feeds +"),
    ("ops/planted.cl", _kernel("const float p = a * b;\n    y[0] = p + c;"), "planted.cl:3: a variable that holds"),
    ("ops/planted.cl", _kernel("float4 v = (float4)(a);\n    v = v * b + c;\n    y[0] = v.x;"), "planted.cl:3: a bare product"),
    ("ops/planted.cl", _kernel("y[0] = a / b;"), "/ on floats"),
    ("ops/planted.cl", _kernel("y[0] = mad(a, b, c);"), "mad is not exact"),
    ("ops/planted.cl", _kernel("y[0] = native_exp(a);"), "native_exp is not exact"),
    ("ops/planted.cl", _kernel("y[0] = exp(a);"), "exp is not exact"),
    ("ops/planted.cl", "#pragma OPENCL FP_CONTRACT ON\n" + _kernel("y[0] = ardm_mul(a, b) + c;"), "contraction is on"),
    ("ops/planted.c", _reference("return a * b + c;"), "planted.c:4: a bare product feeds +"),
    ("ops/planted.c", _reference("return a / b;"), "/ on floats"),
    ("ops/planted.c", _reference("return expf(a);"), "expf is not exact"),
]

# What must pass: integers, doubles apart, rounded products and fma.
CLEAN = [("numerics", _kernel(body)) for body in (
    "const int i = (int)get_global_id(0) * 3 + 1;\n    y[i / 2] = ardm_mul(a, b) + c;",
    "y[0] = fma(a, b, c) * (2.0f / 3.0f);",
    "const float p = a * b;\n    y[0] = fma(p, b, c) + ardm_mul(p, c);",
)]
