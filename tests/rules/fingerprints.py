"""Prints a hash for each file: of it and of all headers of ours that it includes, however deep: <common> <files...>.

Run in the tree's folder. Headers of the system are not followed: they change with what the common text says.
"""

import functools
import hashlib
import os
import re
import sys

INCLUDE = re.compile(rb'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)


@functools.cache
def read(path):
    with open(path, "rb") as file:
        return file.read()


@functools.cache
def included(path):
    names = [name.decode() for name in INCLUDE.findall(read(path))]
    folders = (os.path.dirname(path), "src", "include", "tests")
    paths = (os.path.normpath(os.path.join(folder, name)) for name in names for folder in folders)
    return tuple(path for path in paths if os.path.isfile(path))


def with_headers(path):
    seen = {path}
    waiting = [path]
    while waiting:
        new = set(included(waiting.pop())) - seen
        seen |= new
        waiting += new
    return sorted(seen)


for path in sys.argv[2:]:
    digest = hashlib.sha256(sys.argv[1].encode())
    for part in with_headers(os.path.normpath(path)):
        digest.update(part.encode() + b"\0" + hashlib.sha256(read(part)).digest())
    print(digest.hexdigest(), path)
