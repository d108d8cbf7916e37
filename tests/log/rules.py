#!/usr/bin/env python3
"""Every rule of docs/posting-log.md, broken once: logs and proof files are made here as that page says,
signed with a key of our own, and the verifier must say no to each broken one and yes to the others.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import verify_posting as verify  # noqa: E402

SECRET = b"a key that signs nothing but this"


def packed(point):
    over = pow(point[2], verify.P - 2, verify.P)
    x, y = point[0] * over % verify.P, point[1] * over % verify.P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def signature(text):
    """RFC 8032, section 5.1.6. Slow, and for tests alone."""
    hashed = hashlib.sha512(SECRET).digest()
    number = int.from_bytes(hashed[:32], "little") & ~7 & (1 << 254) - 1 | 1 << 254
    public = packed(verify.times(number, verify.BASE))
    once = int.from_bytes(hashlib.sha512(hashed[32:] + text).digest(), "little") % verify.ORDER
    r = packed(verify.times(once, verify.BASE))
    k = int.from_bytes(hashlib.sha512(r + public + text).digest(), "little")
    return public, r + ((once + k * number) % verify.ORDER).to_bytes(32, "little")


PUBLIC = signature(b"")[0]
NAME = "siji-posting-log/" + hashlib.sha256(PUBLIC).hexdigest()[:16]
ID = hashlib.sha256(NAME.encode() + b"\n\x01" + PUBLIC).digest()[:4]
KEY = "%s+%s+%s" % (NAME, ID.hex(), base64.b64encode(b"\x01" + PUBLIC).decode())


def base(data):
    return base64.b64encode(data).decode()


def note(size, root, name=NAME, more="", others=""):
    text = "%s\n%s\n%s\n%s" % (name, size, base(root), more)
    signed = base(ID + signature(text.encode())[1])
    return "%s\n%s\u2014 %s %s\n" % (text, others, NAME, signed)


CONTENT = ("format\tsiji-posting\t1\nzone\tZ\nvillage\tV\nmonth\t2026-10\nscheme\tS\t1\nplace\tP\n"
           "from\t2026-10-24\nto\t2026-10-29\ndays\t5\tcalendar\ncontact\tC\ncorrects\t-\n"
           "category\tA\ta\t20\ncategory\tB\tb\t25\nrows\t2\n"
           "1\tX**\tV\t\t18\t\t18\tassessed\n2\tY**\tV\tH\t\t\t0\tsuspended\n")
SALT = bytes(range(16))


def entry(number, content=CONTENT, kind="list", corrects="-", days=("2026-10-24", "2026-10-29")):
    commitment = hashlib.sha256(SALT + content.encode()).hexdigest()
    return ("siji-posting-entry 1\nposting 019abf5e-7c00-7a00-8000-%012x\narea 001.002\nkind %s\n"
            "corrects %s\nfrom %s\nto %s\ncommitment %s\n"
            % (number, kind, corrects, *days, commitment)).encode()


class Log:
    def __init__(self, entries, folder, **more):
        self.entries, self.folder = entries, folder
        leaves, files = [verify.leaf(e) for e in entries], {}
        for at in range(0, len(entries), 256):
            some = entries[at:at + 256]
            path = verify.tile_path("entries", at // 256, len(some))
            files[path] = b"".join(len(e).to_bytes(2, "big") + e for e in some)
        level, row = 0, leaves
        while row:
            above = []
            for at in range(0, len(row), 256):
                some = row[at:at + 256]
                files[verify.tile_path(str(level), at // 256, len(some))] = b"".join(some)
                if len(some) == 256:
                    above.append(whole(some))
            level, row = level + 1, above
        self.root = whole(leaves)
        self.note = note(len(entries), self.root, **more)
        files["checkpoint"] = self.note.encode()
        for path, data in files.items():
            place = os.path.join(folder, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(data)

    def proof(self, index):
        fetch = verify.fetcher(self.folder)
        up = verify.Tree(len(self.entries), fetch).inclusion(index)
        lines = "".join(base(step) + "\n" for step in up)
        return "c2sp.org/tlog-proof@v1\nindex %d\n%s\n%s" % (index, lines, self.note)


def whole(hashes):
    """The root as RFC 6962 defines it."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    middle = 1 << (len(hashes) - 1).bit_length() - 1
    return verify.node(whole(hashes[:middle]), whole(hashes[middle:]))


class Tally:
    held = 0

    def check(self, what, holds, work):
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                work()
            found = True
        except (verify.Misfit, verify.Unread) as fault:
            found, said = False, fault
        if found != holds:
            raise SystemExit("FAILED %s: %s %s" % (what, "holds" if found else "is refused", said))
        self.held += 1


def proofs(tally, folder):
    def file_of(content=CONTENT, log_entry=None, number=3, **more):
        made = entry(number, content) if log_entry is None else log_entry
        entries = [entry(n) for n in range(5)]
        entries[number] = made
        log = Log(entries, tempfile.mkdtemp(dir=folder), **more)
        return {"format": "siji-posting-proof/1", "keys": [KEY], "content": content,
                "salt": SALT.hex(), "entry": made.decode(), "proof": log.proof(number)}

    def one(what, holds, file, key=KEY):
        text = file if isinstance(file, str) else json.dumps(file)
        tally.check(what, holds, lambda: verify.check_posting(text, key))

    good = file_of()
    one("a good proof", True, good)
    one("with its own key", True, good, None)
    one("members that nobody knows", True, {**good, "more": 1})
    amends = CONTENT.replace("corrects\t-", "corrects\t" + "ab" * 32)
    one("a correction", True, file_of(amends, entry(3, amends, "correction", "2")))
    one("of nothing before it", False, file_of(amends, entry(3, amends, "correction", "3")))
    one("of a number with a nought before it", False,
        file_of(amends, entry(3, amends, "correction", "02")))
    one("a correction whose text is a list", False,
        file_of(CONTENT, entry(3, CONTENT, "correction", "2")))
    one("a list whose text is a correction", False, file_of(amends))
    one("a list that corrects", False, file_of(CONTENT, entry(3, CONTENT, "list", "2")))
    one("another last day", False, file_of(CONTENT, entry(3, days=("2026-10-24", "2026-10-30"))))
    never = CONTENT.replace("2026-10-29", "2026-10-32")
    one("a day that never was", False, file_of(never, entry(3, never, days=("2026-10-24", "2026-10-32"))))
    one("further lines in the checkpoint", True, file_of(more="another line\n"))
    one("signatures of others", True, file_of(others="\u2014 other %s\n" % base(bytes(80))))
    one("a line that is no signature", False, file_of(others="- other %s\n" % base(bytes(80))))
    one("a false signature of the key", False,
        file_of(others="\u2014 %s %s\n" % (NAME, base(ID + bytes(64)))))
    one("a checkpoint of another name", False, file_of(name="other"))
    one("a bell in the checkpoint", False, file_of(more="\x07\n"))
    for was, is_now in [
        ("siji-posting\t1", "siji-posting\t2"), ("zone\tZ\n", ""), ("month\t2026-10", "month\t2026-13"),
        ("scheme\tS\t1", "scheme\tS"), ("calendar", "lunar"), ("place\tP\nfrom\t2026-10-24\n",
                                                                "from\t2026-10-24\nplace\tP\n"),
        ("rows\t2", "rows\t3"), ("rows\t2", "rows\t02"), ("\t18\t\t18", "\t18\t18"),
        ("suspended\n", "suspended"), ("suspended\n", "suspended\n\n"), ("assessed", "liked"),
        ("\tb\t25", "\tb\tmany"), ("contact\tC", "contact\t\x07"), ("corrects\t-", "corrects\tno"),
    ]:
        assert was in CONTENT, was
        one("%r for %r" % (is_now, was), False, file_of(CONTENT.replace(was, is_now)))
    for name, value in [
        ("format", "siji-posting-proof/2"), ("salt", SALT.hex().upper()), ("salt", SALT.hex()[2:]),
        ("salt", " ".join(SALT.hex()[n:n + 2] for n in range(0, 32, 2))), ("salt", 7),
        ("content", CONTENT + "3\n"), ("proof", 7), ("proof", good["proof"].replace("@v1", "@v2")),
        ("proof", good["proof"].replace("index 3", "index 2")),
        ("proof", good["proof"].replace("index 3", "index 03")),
        ("proof", good["proof"].replace("index 3", "index " + "9" * 5_000)),
        ("proof", good["proof"].replace("index 3\n", "index 3\n%s\n" % base(bytes(32)))),
        ("proof", good["proof"].replace("\n5\n", "\n05\n")), ("entry", entry(4).decode()),
        ("entry", good["entry"].replace("area 001", "area x01")), ("keys", []),
    ]:
        one("%s: %.40r" % (name, value), False, {**good, name: value}, None)
    for member in ("format", "keys", "content", "salt", "entry", "proof"):
        one("no " + member, False, {m: v for m, v in good.items() if m != member}, None)
    one("no object", False, "[" * 100_000)
    other = KEY[:-2] + ("A" if KEY[-2] != "A" else "B") + "="
    for key in (other, "x" + KEY, KEY.replace("+", " ", 1), NAME, KEY + "="):
        one("the key " + key, False, good, key)
    # Its order is small: it would sign anything.
    weak = bytes([1]) + bytes(31)
    name = "weak"
    weak_id = hashlib.sha256(b"weak\n\x01" + weak).digest()[:4]
    text = "weak\n5\n%s\n" % good["proof"].split("\n\n")[1].split("\n")[2]
    signed = text + "\n\u2014 weak %s\n" % base(weak_id + weak + bytes(32))
    broken = good["proof"].split("\n\n")[0] + "\n\n" + signed
    one("a key of small order", False, {**good, "proof": broken},
        "%s+%s+%s" % (name, weak_id.hex(), base(b"\x01" + weak)))


def logs(tally, folder):
    def all_of(what, holds, entries, spoil=lambda log: None):
        log = Log(entries, tempfile.mkdtemp(dir=folder))
        spoil(log)
        key = verify.Key(KEY)
        tally.check(what, holds, lambda: verify.check_all(log.folder, key, quiet=True))

    plain = [entry(n) for n in range(300)]
    all_of("a log of 300 entries", True, plain)
    all_of("an empty log", True, [])
    all_of("a posting twice", False, plain[:9] + [entry(4)])
    all_of("a correction", True, plain[:9] + [entry(9, CONTENT, "correction", "8")])
    all_of("a correction of itself", False, plain[:9] + [entry(9, CONTENT, "correction", "9")])
    all_of("an entry that is none", False, plain[:9] + [b"siji-posting-entry 2\n"])

    def swap(path, change):
        def spoil(log):
            place = os.path.join(log.folder, path)
            with open(place, "rb") as file:
                data = change(file.read())
            with open(place, "wb") as file:
                file.write(data)
        return spoil
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"):
        all_of("a turned bit of " + path, False, plain,
               swap(path, lambda data: data[:40] + bytes([data[40 % len(data)] ^ 1]) + data[41:]
                    if len(data) > 40 else bytes([data[0] ^ 1]) + data[1:]))
        all_of("a byte too many in " + path, False, plain, swap(path, lambda data: data + b"\0"))
    all_of("no tile", False, plain, lambda log: os.remove(os.path.join(log.folder, "tile/0/000")))

    old, new = (Log([entry(n) for n in range(size)], tempfile.mkdtemp(dir=folder)) for size in (200, 300))
    third = Log([entry(n) for n in range(700)], tempfile.mkdtemp(dir=folder))
    forked = Log([entry(n + (n == 100) * 9_000) for n in range(300)], tempfile.mkdtemp(dir=folder))

    def growth(what, holds, before, after, files):
        key = verify.Key(KEY)
        places = [os.path.join(log.folder, "checkpoint") for log in (before, after)]
        tally.check(what, holds, lambda: verify.check_growth(*places, files.folder, key))
    growth("grew", True, old, new, new)
    growth("the same", True, old, old, old)
    growth("of wider tiles, full and partial", True, old, new, third)
    growth("went back", False, new, old, new)
    growth("rewritten", False, old, forked, forked)
    growth("rewritten at the same size", False, new, forked, forked)
    growth("tiles of another log", False, old, new, forked)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        proofs(tally, folder)
        logs(tally, folder)
    print("ok %d rules of the format, each kept and broken" % tally.held)


if __name__ == "__main__":
    main()
