#!/usr/bin/env python3
"""The Python verifier: each rule of the format (rules.py), then a log that another program wrote:
every proof of it, changed bits, a fork. FOLDER holds the log's files and, in `key`, its public key;
BITS says how many bits are turned.
"""

import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import rules  # noqa: E402
import verify_posting as verify  # noqa: E402


def read(path):
    with open(path, "rb") as file:
        return file.read()


def files_of(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), folder)
            if path != "key":
                yield path


def refused(folder, key):
    try:
        verify.check_all(folder, key, quiet=True)
    except (verify.Misfit, verify.Unread):
        return True
    return False


def turned_bits(folder, key, bits):
    """Turns one bit at a time in a copy, and back."""
    dice = random.Random(15)
    signatures = {}
    slow = verify.ed25519_holds

    def once(*asked):
        # The same bytes are not computed twice: only an untouched checkpoint is met again.
        if asked not in signatures:
            signatures[asked] = slow(*asked)
        return signatures[asked]

    verify.ed25519_holds = once
    paths = sorted(files_of(folder))
    for n in range(bits):
        path = os.path.join(folder, dice.choice(paths))
        data = bytearray(read(path))
        at, bit = dice.randrange(len(data)), 1 << dice.randrange(8)
        data[at] ^= bit
        with open(path, "wb") as file:
            file.write(data)
        if not refused(folder, key):
            raise SystemExit("FAILED a turned bit was not found: byte %d of %s" % (at, path))
        data[at] ^= bit
        with open(path, "wb") as file:
            file.write(data)
    verify.ed25519_holds = slow
    if refused(folder, key):
        raise SystemExit("FAILED the log does not hold as it was")


def main():
    rules.main()
    large, small, bits = sys.argv[1], sys.argv[2], int(sys.argv[3])
    key = verify.Key(read(os.path.join(large, "key")).decode())
    begun = time.monotonic()
    verify.check_all(large, key)
    print("ok every proof of the large log (%.1f s)" % (time.monotonic() - begun))
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "copy")
        shutil.copytree(small, copy)
        begun = time.monotonic()
        turned_bits(copy, key, bits)
        print("ok %d turned bits, each found (%.1f s)" % (bits, time.monotonic() - begun))
    old = verify.Checkpoint(read(os.path.join(small, "checkpoint")), key)
    new = verify.Checkpoint(read(os.path.join(large, "checkpoint")), key)
    fetch = verify.fetcher(large)
    proof = verify.Tree(new.size, fetch).consistency(old.size)
    verify.check_consistency(old.size, old.root, new.size, new.root, proof)
    print("ok the large log grew out of the small one")
    forked = bytes([old.root[0] ^ 1]) + old.root[1:]
    try:
        verify.check_consistency(old.size, forked, new.size, new.root, proof)
        raise SystemExit("FAILED a fork was not found")
    except verify.Misfit:
        print("ok a fork is found")


if __name__ == "__main__":
    main()
