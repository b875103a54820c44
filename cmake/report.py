"""report.py JUNIT: prints tests and minutes per label of one ctest run; "PASSED FAILED" alone on the last line.

A program of Check counts its checks, any other test counts as one."""
import collections
import re
import sys
import xml.etree.ElementTree as tree


def counts(case):
    output = case.findtext("system-out") or ""
    checks = failed = 0
    for match in re.finditer(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, re.M):
        checks += int(match[1])
        failed += int(match[2]) + int(match[3])
    good = case.find("failure") is None and case.get("status") in ("run", "notrun")
    if not checks:
        return (1, 0) if good else (0, 1)
    if not good and not failed:
        failed = 1  # it crashed after its checks
    return max(checks - failed, 0), failed


class Part:
    def __init__(self):
        self.programs = self.passed = self.failed = self.seconds = 0


parts = collections.defaultdict(Part)
skipped, broken = [], []
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    labels = [p.get("value") for p in case.iter("property") if p.get("name") == "cmake_labels"]
    part = parts[labels[0].split(";")[0] if labels and labels[0] else case.get("name").split("/")[0]]
    part.programs += 1
    part.seconds += float(case.get("time") or 0)
    if case.find("skipped") is not None and case.find("failure") is None:
        reason = case.find("skipped").get("message") or ""
        if "SKIP" in reason.upper():
            skipped.append(case.get("name"))
            continue
        broken.append(case.get("name"))  # not found, or a fixture failed
        part.failed += 1
        continue
    passed, failed = counts(case)
    part.passed += passed
    part.failed += failed
    if failed:
        broken.append(case.get("name"))

print("%-14s %8s %8s %8s %8s" % ("part", "programs", "passed", "failed", "minutes"))
for name in sorted(parts):
    part = parts[name]
    print("%-14s %8d %8d %8d %8.1f" % (name, part.programs, part.passed, part.failed, part.seconds / 60))
if skipped:
    print("skipped: " + " ".join(skipped))
if broken:
    print("failed: " + " ".join(broken))
print(sum(p.passed for p in parts.values()), sum(p.failed for p in parts.values()))
