"""Refuses recipes of vcpkg and Conan that cannot be read, or that do not fit this tree: recipes.py <recipes> <version>.

Neither tool is run here. What can be shown without them: the files are what they should be, name this version and
options that CMake has.
"""

import ast
import json
import pathlib
import re
import sys

recipes = pathlib.Path(sys.argv[1])
version = sys.argv[2]
root = recipes.parent.parent
faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


manifest = json.loads((recipes / "vcpkg/vcpkg.json").read_text())
expect(manifest["version"] == version, f"vcpkg.json is of version {manifest['version']}, CMakeLists.txt of {version}")
for name in ("fmt", "libuv"):
    expect(name in manifest["dependencies"], f"vcpkg.json does not depend on {name}")
expect(set(manifest["default-features"]) <= set(manifest["features"]), "vcpkg.json has no such default feature")

portfile = (recipes / "vcpkg/portfile.cmake").read_text()
usage = (recipes / "vcpkg/usage").read_text()
for feature in manifest["features"]:
    expect(re.search(rf"^\s+{feature} CULEX_\w+$", portfile, re.M), f"portfile.cmake ignores the feature {feature}")

options = set(re.findall(r"^option\((CULEX_\w+)", (root / "CMakeLists.txt").read_text(), re.M))
targets = set(re.findall(r"add_library\((culex::\w+) ALIAS", (root / "CMakeLists.txt").read_text()))
conan = recipes / "conan"
for path in (conan / "conanfile.py", conan / "test_package/conanfile.py"):
    source = path.read_text()
    compile(source, str(path), "exec")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    expect(len(classes) == 1 and classes[0].bases[0].id == "ConanFile", f"{path.name} is no recipe")

recipe = (conan / "conanfile.py").read_text()
for name, text in (("portfile.cmake", portfile), ("conanfile.py", recipe)):
    used = set(re.findall(r"CULEX_\w+", text))
    expect(used and used <= options, f"{name} sets what CMakeLists.txt does not have: {sorted(used - options)}")
for name, text in (("usage", usage), ("conanfile.py", recipe)):
    named = set(re.findall(r"culex::\w+", text))
    expect(named == targets, f"{name} names {sorted(named)}, and there are {sorted(targets)}")
for pattern in re.search(r"for pattern in \((.*)\):", recipe).group(1).replace('"', "").split(", "):
    expect(any(root.glob(pattern)), f"conanfile.py exports {pattern}, which is not there")

for fault in faults:
    print("refused:", fault)
sys.exit(1 if faults else 0)
