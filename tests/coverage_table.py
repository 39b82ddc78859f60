"""Prints what gcovr has counted, by floor, the files of which less than 90 % of the lines are run, and the functions that
nothing calls: <folder of coverage.json and summary.json>."""

import collections
import json
import pathlib
import sys

ENOUGH = 90.0
FLOORS = ("base", "wire", "session", "io", "client", "facade", "testing")


def floor_of(path):
    folders = path.split("/")
    if folders[0] == "include":
        return "include/testing" if "testing" in folders else "include"
    return folders[1]


def share(covered, total):
    return 100.0 * covered / total if total else 100.0


folder = pathlib.Path(sys.argv[1])
files = json.loads((folder / "summary.json").read_text())["files"]
sums = collections.defaultdict(lambda: [0, 0, 0, 0])
for file in files:
    counts = (file["line_covered"], file["line_total"], file["branch_covered"], file["branch_total"])
    for key in (floor_of(file["filename"]), "all"):
        sums[key] = [old + new for old, new in zip(sums[key], counts)]

missing = [floor for floor in FLOORS if floor not in sums]
if missing:
    sys.exit(f"nothing was counted of {', '.join(missing)}")

print(f"{'':16}{'lines':>20}{'branches':>22}")
for floor in (*FLOORS, "include", "include/testing", "all"):
    lines, all_lines, branches, all_branches = sums[floor]
    print(f"{floor:16}{share(lines, all_lines):7.1f} % of {all_lines:6}{share(branches, all_branches):10.1f} % of {all_branches:6}")

low = [(share(f["line_covered"], f["line_total"]), f) for f in files]
low = sorted((entry for entry in low if entry[0] < ENOUGH), key=lambda entry: (entry[0], entry[1]["filename"]))
print(f"\n{len(low)} of {len(files)} files below {ENOUGH:.0f} % of lines")
for lines, file in low:
    print(f"{lines:7.1f} %  {file['filename']}  ({file['line_total'] - file['line_covered']} lines)")

print("\nfunctions that no test calls")
for file in json.loads((folder / "coverage.json").read_text())["files"]:
    # A template is as many functions as it has instances, and called when one of them is.
    calls = collections.Counter()
    names = {}
    for function in file["functions"]:
        calls[function["lineno"]] += function["execution_count"]
        names[function["lineno"]] = function["name"]
    for line, count in sorted(calls.items()):
        if count == 0:
            print(f"  {file['file']}:{line}  {names[line].partition('(')[0]}")
