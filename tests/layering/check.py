"""check.py CHECK [--root FOLDER] [--build FOLDER] [--only FILE …] [--write]: keeps the tree in its shape.

includes   who may include whom (the house in README.md): each folder sees the public headers below it, nobody a private one
headers    each public header compiles alone, and twice, under gcc and clang with strict warnings
format     C files are as clang-format 14 writes them (--write: make them so)
kernels    each kernel compiles alone as OpenCL C 1.2
numerics   no fused, inexact or built-in arithmetic on floats in kernels and references (arithmetic.py)
paths      no file names a path of one machine
planted    each of the above fails on a violation planted in a copy
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import arithmetic

STRICT = ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Wvla", "-Werror",
          "-D_POSIX_C_SOURCE=200809L", "-DCL_TARGET_OPENCL_VERSION=120"]
KERNEL = ["clang", "-x", "cl", "-cl-std=CL1.2", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
EXACT = "runtime/include/ardm/exact.h"

# Whose public headers a folder may include. Programs, samples and tests see all of them.
BELOW = {
    "runtime": {"runtime"},
    "ops": {"runtime", "ops"},
    "graphs": {"runtime", "ops", "graphs"},
    "method": {"runtime", "ops", "graphs", "method"},
    "cli": {"runtime", "ops", "graphs", "method"},
    "samples": {"runtime", "ops", "graphs", "method"},
    "tests": {"runtime", "ops", "graphs", "method"},
}
PLUGIN_HEADERS = {"ardm/plugin.h", "ardm/exact.h"}


def listing(root):
    """Files of the tree by relative path: what git knows or would add, or all of a copy without git."""
    if os.path.exists(os.path.join(root, ".git")):
        names = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True).stdout
        found = {name for name in names.decode().split("\0") if name}
    else:
        found = set()
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f != ".git" and not (folder == root and f.startswith("build"))]
            found.update(os.path.relpath(os.path.join(folder, name), root) for name in names)
    return sorted(name for name in found if os.path.isfile(os.path.join(root, name)))


def flags_of_build(folder):
    """Definitions and include paths by source, from a build's compile_commands.json."""
    if not folder:
        return {}
    with open(os.path.join(folder, "compile_commands.json")) as file:
        entries = json.load(file)
    return {os.path.realpath(entry["file"]): [word for word in shlex.split(entry["command"]) if word[:2] in ("-D", "-I")] for entry in entries}


class Tree:
    def __init__(self, root, only, build=None):
        self.root = root
        self.flags = flags_of_build(build)
        self.files = listing(root)
        self.only = set(only or self.files)

    def chosen(self, *endings):
        return [name for name in self.files if name in self.only and name.endswith(endings)]

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        with open(self.path(name), "rb") as file:
            return file.read().decode("utf-8", "replace")

    def public(self):
        """include name -> file, for all public headers."""
        return {name[name.rindex("/include/") + 9:]: name for name in self.files if re.match(r"\w+(/\w+)?/include/ardm/\w+\.h$", name)}


def parallel(jobs):
    """Runs (name, command) pairs; the names of failures with what the command said."""
    def run(job):
        result = subprocess.run(job[1], capture_output=True, text=True, input="")
        return None if result.returncode == 0 else "%s: %s" % (job[0], (result.stderr or result.stdout).strip()[:600])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [failure for failure in pool.map(run, jobs) if failure]


def area(name):
    """The unit whose private headers a file may use."""
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] in ("plugins", "tests") and len(parts) > 2 else parts[0]


def resolve(tree, name, include, files):
    """The file of ours that a non-public include means, or None."""
    for base in (os.path.dirname(name), area(name), name.split("/")[0], "tests/support", ""):
        candidate = os.path.normpath(os.path.join(base, include))
        if candidate in files:
            return candidate
    tail = "/" + os.path.normpath(include).replace("../", "")
    return next((other for other in tree.files if other.endswith(tail)), None)


def check_includes(tree):
    failures, public, files = [], tree.public(), set(tree.files)
    for name in tree.chosen(".c", ".h"):
        folder = name.split("/")[0]
        if folder not in BELOW and folder != "plugins":
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            include, where = match[2], "%s:%d" % (name, number)
            if include.startswith("ardm/"):
                owner = public.get(include)
                if owner is None:
                    failures.append("%s: %s is no public header" % (where, include))
                elif folder == "plugins":
                    if include not in PLUGIN_HEADERS:
                        failures.append("%s: a plugin sees ardm/plugin.h and ardm/exact.h, not %s" % (where, include))
                elif owner.split("/")[0] not in BELOW[folder]:
                    failures.append("%s: %s may not use %s of %s" % (where, folder, include, owner.split("/")[0]))
                continue
            target = resolve(tree, name, include, files) if match[1] == '"' else None
            if target is None:
                continue
            ours, theirs = area(name), area(target)
            tests_own = folder == "tests" and (theirs == "tests/support" or theirs.split("/")[-1] == ours.split("/")[-1])
            if theirs != ours and not tests_own:
                failures.append("%s: %s is private to %s" % (where, target, theirs))
    return failures


def check_headers(tree):
    folders = sorted({name[:name.rindex("ardm/")] for name in tree.public().values()})
    jobs = []
    with tempfile.TemporaryDirectory() as scratch:
        for include, name in sorted(tree.public().items()):
            if name not in tree.only:
                continue
            source = os.path.join(scratch, include.replace("/", "_") + "_alone.c")
            with open(source, "w") as file:
                file.write("#include <%s>\n#include <%s>\ntypedef int not_empty;\n" % (include, include))
            below = BELOW.get(name.split("/")[0], {"runtime"})
            paths = ["-I" + tree.path(folder) for folder in folders if folder.split("/")[0] in below or folder.split("/")[0] == name.split("/")[0]]
            for compiler in ("gcc", "clang"):
                jobs.append((name + " with " + compiler, [compiler, *STRICT, *paths, "-fsyntax-only", source]))
        return parallel(jobs)


def formatter():
    for command in ("clang-format-14", "clang-format"):
        if shutil.which(command):
            version = subprocess.run([command, "--version"], capture_output=True, text=True).stdout
            if re.search(r"version 14\.", version):
                return command
            sys.exit("format: %s is not version 14: %s" % (command, version.strip()))
    sys.exit("format: clang-format 14 is not installed")


def check_format(tree, write=False):
    command = formatter()
    jobs = [(name, [command, "-i" if write else "--dry-run", "-Werror", "-style=file", tree.path(name)]) for name in tree.chosen(".c", ".h")]
    return parallel(jobs)


def kernels(tree):
    return [name for name in tree.chosen(".cl") if not name.startswith("tests/")]


def check_kernels(tree):
    return parallel([(name, [*KERNEL, "-include", tree.path(EXACT), tree.path(name)]) for name in kernels(tree)])


def check_numerics(tree):
    jobs = [(name, [*KERNEL, "-include", tree.path(EXACT)]) for name in kernels(tree)]
    for name in tree.chosen(".c"):
        if name.startswith("ops/") and "oracle" not in os.path.basename(name):
            flags = tree.flags.get(os.path.realpath(tree.path(name)))
            if tree.flags and flags is None:
                continue  # a part of other files, seen there
            flags = flags or ["-DARDM_LEVEL=baseline", *("-I" + tree.path(folder) for folder in ("runtime/include", "ops/include", "ops"))]
            jobs.append((name, ["clang", *STRICT[:1], *STRICT[-2:], "-fsyntax-only", *flags]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda job: arithmetic.check(job[1], tree.path(job[0]), job[0], os.path.realpath(tree.root)), jobs)
        return sorted({failure for failures in found for failure in failures})


def check_paths(tree):
    homes = "|".join(("work", "home", "root", "Users", "mnt"))
    machine = re.compile(r"(?<![\w.$}/>*-])/(?:%s)/[\w.]" % homes)
    failures = []
    for name in sorted(tree.only):
        text = tree.text(name)
        if "\0" in text[:4096]:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if machine.search(line):
                failures.append("%s:%d: names a path of one machine: %s" % (name, number, line.strip()[:120]))
    return failures


CHECKS = {"includes": check_includes, "headers": check_headers, "format": check_format, "kernels": check_kernels, "numerics": check_numerics,
          "paths": check_paths}

# check, file, text, words of the failure. An absent file is made, an existing one is opened by the text.
PLANTS = [
    ("includes", "runtime/planted.c", '#include "ardm/op.h"\n', "runtime may not use ardm/op.h of ops"),
    ("includes", "ops/planted.c", '#include "ardm/graph.h"\n', "ops may not use ardm/graph.h of graphs"),
    ("includes", "method/planted.c", '#include "../runtime/unpack.h"\n', "runtime/unpack.h is private to runtime"),
    ("includes", "graphs/planted.c", '#include "unpack.h"\n', "runtime/unpack.h is private to runtime"),
    ("includes", "cli/planted.c", '#include "../runtime/config.h"\n', "runtime/config.h is private to runtime"),
    ("includes", "plugins/planted/planted.c", '#include "ardm/status.h"\n', "a plugin sees"),
    ("includes", "tests/method/planted.c", '#include "../../runtime/unpack.h"\n', "runtime/unpack.h is private to runtime"),
    ("includes", "cli/planted.c", '#include "ardm/no_such_header.h"\n', "is no public header"),
    ("headers", "runtime/include/ardm/planted.h", "int32_t planted(void);\n", "with clang"),
    ("headers", "graphs/include/ardm/planted.h", "void planted();\n", "with gcc"),
    ("format", "runtime/planted.c", "int  planted ;\n", "runtime/planted.c"),
    ("kernels", "ops/planted.cl", "kernel void planted(global float *y) { y[get_global_id(0)] = absent; }\n", "absent"),
    ("kernels", "ops/planted.cl", "kernel void planted(global float *y) { int unused; y[get_global_id(0)] = 1; }\n", "unused"),
    ("paths", "cli/planted.txt", "data = /" + "home/someone/data\n", "names a path"),
    *[("numerics", name, text, words) for name, text, words in arithmetic.PLANTS],
]


def check_planted(tree):
    """Copies the sources once, plants one violation at a time, and takes it out again."""
    failures = []
    with tempfile.TemporaryDirectory() as copy:
        for name in tree.files:
            if name.endswith((".c", ".h", ".cl", ".py")) or name == ".clang-format":
                os.makedirs(os.path.dirname(os.path.join(copy, name)), exist_ok=True)
                shutil.copyfile(tree.path(name), os.path.join(copy, name))
        for check, name, text, words in PLANTS:
            path = os.path.join(copy, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
            said = "\n".join(CHECKS[check](Tree(copy, [name])))
            if words not in said:
                failures.append("%s does not notice in %s: %s\n  it says: %s" % (check, name, text.strip(), said or "nothing"))
            os.remove(path)
        for check, name in arithmetic.CLEAN:
            path = os.path.join(copy, "ops/planted.cl")
            with open(path, "w") as file:
                file.write(name)
            said = CHECKS[check](Tree(copy, ["ops/planted.cl"]))
            if said:
                failures.append("%s objects to what is right: %s\n  it says: %s" % (check, name.strip(), said[0]))
            os.remove(path)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=[*CHECKS, "planted", "all"])
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--build", help="build folder, for the definitions that references are compiled with")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    tree = Tree(options.root, options.only, options.build)
    if options.write:
        if options.check != "format":
            parser.error("--write goes with format")
        sys.exit("\n".join(check_format(tree, True)) or 0)
    bad = False
    for check in [*CHECKS, "planted"] if options.check == "all" else [options.check]:
        failures = check_planted(tree) if check == "planted" else CHECKS[check](tree)
        print("%s: %s" % (check, "%d failures" % len(failures) if failures else "good"))
        for failure in failures:
            print("  " + failure)
        bad = bad or bool(failures)
    sys.exit(bad)


if __name__ == "__main__":
    main()
