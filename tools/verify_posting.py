#!/usr/bin/env python3
"""Checks postings and the posting log, as docs/posting-log.md describes them.

Needs Python 3.8 or later and nothing else. Trusts no server: what is checked against is the log's
public key, given with --key.

  verify_posting.py posting FILE-or-URL [--key KEY]        one list with its proof
  verify_posting.py checkpoints OLD NEW LOG --key KEY      did the log grow honestly?
  verify_posting.py all LOG --key KEY                      every file of the log, every proof

OLD and NEW are saved checkpoints; LOG is a folder with the log's files or its address, ending in
/log. Ends with 0 where everything holds, with 1 where something does not, with 2 where it could not
be read.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import sys
import urllib.request


class Misfit(Exception):
    """Something does not hold."""


class Unread(Exception):
    """Something is not there or cannot be opened."""


# Ed25519, verification only (RFC 8032, section 5.1) ------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add_points(a, b):
    """Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""
    r, s = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, u = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = s - r, u - t, u + t, s + r
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, point):
    total = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        number >>= 1
    return total


def same_point(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(data):
    """None where these 32 bytes are no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P != 0 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    # A key of small order signs anything.
    if any(same_point(times(8, point), (0, 1, 1, 0)) for point in (a, r)):
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(hashed, "little") % ORDER
    return same_point(times(s, BASE), add_points(r, times(k, a)))


# The tree (RFC 6962, section 2.1) ------------------------------------------------------------------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(entry):
    return sha256(b"\x00", entry)


def node(left, right):
    return sha256(b"\x01", left, right)


def fold(hashes):
    """The root of a span that these full subtrees make up, largest first."""
    if not hashes:
        return sha256()
    up = hashes[-1]
    for left in reversed(hashes[:-1]):
        up = node(left, up)
    return up


def root_by_inclusion(hashed, index, size, path):
    if index >= size:
        raise Misfit("the proof: there is no entry of this number")
    place, last = index, size - 1
    for beside in path:
        if last == 0:
            raise Misfit("the proof: too many hashes")
        if place & 1 or place == last:
            hashed = node(beside, hashed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            hashed = node(hashed, beside)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise Misfit("the proof: too few hashes")
    return hashed


def check_consistency(old, old_root, new, new_root, path):
    rewritten = Misfit("the newer checkpoint does not grow out of the older one: "
                       "the log was REWRITTEN")
    if old > new:
        raise Misfit("the newer checkpoint has fewer entries: the log went BACK")
    if old == new:
        if old_root != new_root or path:
            raise rewritten
        return
    if old == 0:
        if old_root != sha256() or path:
            raise rewritten
        return
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not steps:
        raise rewritten
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise rewritten
        if place & 1 or place == last:
            before, after = node(step, before), node(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, step)
        place, last = place >> 1, last >> 1
    if last != 0 or before != old_root or after != new_root:
        raise rewritten


class Tree:
    """Hashes of full subtrees, out of tiles."""

    def __init__(self, size, fetch):
        self.size, self.fetch, self.kept = size, fetch, {}

    def tile(self, level, number):
        width = min(256, (self.size >> 8 * level) - 256 * number)
        if width <= 0:
            raise Misfit("the tree has no tile %d/%d" % (level, number))
        key = (level, number)
        if key not in self.kept:
            path = tile_path(str(level), number, width)
            data = self.fetch(path)
            if len(data) != 32 * width:
                raise Misfit(path + " is not a tile of its width")
            # Every row of the tile's own small tree, the hashes first.
            rows = [[data[i:i + 32] for i in range(0, len(data), 32)]]
            while len(rows[-1]) > 1:
                row = rows[-1]
                rows.append([node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
            self.kept[key] = rows
        return self.kept[key]

    def hash(self, level, index):
        """Over leaves index * 2^level up to the next multiple."""
        tile_level, above = divmod(level, 8)
        first = index << above
        rows = self.tile(tile_level, first // 256)
        return rows[above][(first % 256) >> above]

    def span(self, begin, end):
        parts, at = [], begin
        while at < end:
            level = (end - at).bit_length() - 1
            parts.append(self.hash(level, at >> level))
            at += 1 << level
        return fold(parts)

    def inclusion(self, index):
        begin, end, beside = 0, self.size, []
        while end - begin > 1:
            middle = begin + (1 << (end - begin - 1).bit_length() - 1)
            if index < middle:
                beside.append((middle, end))
                end = middle
            else:
                beside.append((begin, middle))
                begin = middle
        return [self.span(*part) for part in reversed(beside)]

    def consistency(self, old):
        if old == 0 or old >= self.size:
            return []
        begin, end, beside = 0, self.size, []
        while end != old:
            middle = begin + (1 << (end - begin - 1).bit_length() - 1)
            if old <= middle:
                beside.append((middle, end))
                end = middle
            else:
                beside.append((begin, middle))
                begin = middle
        if begin != 0:
            beside.append((begin, end))
        return [self.span(*part) for part in reversed(beside)]


def tile_path(level, number, width):
    parts = ["%03d" % (number % 1000)]
    number //= 1000
    while number:
        parts.insert(0, "x%03d" % (number % 1000))
        number //= 1000
    partial = "" if width == 256 else ".p/%d" % width
    return "tile/%s/%s%s" % (level, "/".join(parts), partial)


# Notes and checkpoints (C2SP signed-note, tlog-checkpoint) -----------------------------------------

NUMBER = re.compile(r"\A(0|[1-9][0-9]{0,14})\Z")


def from_base64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Misfit(what + ": this is not base64") from None
    # One way to write it and no other.
    if base64.b64encode(data).decode() != text:
        raise Misfit(what + ": this is not how base64 is written")
    return data


class Key:
    def __init__(self, text):
        found = re.match(r"\A([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\Z", text)
        if not found:
            raise Unread("this is not a public key: NAME+HEX+BASE64")
        data = from_base64(found.group(3), "the key")
        if len(data) != 33 or data[0] != 1:
            raise Unread("this is not an Ed25519 key; the log has one beside any other")
        self.name, self.public = found.group(1), data[1:]
        self.id = sha256(self.name.encode(), b"\n", data)[:4]
        if self.id.hex() != found.group(2):
            raise Unread("the key was damaged on its way: its short name does not fit")


class Checkpoint:
    """A signed checkpoint, once its signature holds."""

    def __init__(self, note, key):
        try:
            text = note.decode("utf-8")
        except UnicodeDecodeError:
            raise Misfit("the checkpoint is no text") from None
        if any(ord(c) < 32 and c != "\n" or ord(c) == 127 for c in text):
            raise Misfit("the checkpoint holds control characters")
        end = text.rfind("\n\n")
        if end < 0 or not text.endswith("\n"):
            raise Misfit("the checkpoint is not a signed note")
        body, lines = text[:end + 1], text[end + 2:-1].split("\n")
        held = False
        for line in lines:
            found = re.match("\\A\u2014 ([^ ]+) ([^ ]+)\\Z", line)
            if not found:
                raise Misfit("the checkpoint has a line that is no signature")
            data = from_base64(found.group(2), "a signature")
            if len(data) < 5:
                raise Misfit("the checkpoint has a line that is no signature")
            if found.group(1) == key.name and data[:4] == key.id:
                if not ed25519_holds(key.public, body.encode(), data[4:]):
                    raise Misfit("the checkpoint's signature does not hold")
                held = True
        if not held:
            raise Misfit("the checkpoint is not signed with this key")
        parts = body[:-1].split("\n")
        if len(parts) < 3 or "" in parts or not NUMBER.match(parts[1]):
            raise Misfit("the note holds no checkpoint")
        if parts[0] != key.name:
            raise Misfit("the checkpoint is of another log")
        self.size, self.root = int(parts[1]), from_base64(parts[2], "the root")
        if len(self.root) != 32:
            raise Misfit("the note holds no checkpoint")

    def short(self):
        digits = self.root[:20].hex()
        return " ".join([str(self.size)] + [digits[i:i + 4] for i in range(0, 40, 4)])


# Entries and postings ------------------------------------------------------------------------------

ENTRY = re.compile(
    rb"\Asiji-posting-entry 1\n"
    rb"posting ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\n"
    rb"area ([0-9.]+)\n"
    rb"kind (list|correction)\n"
    rb"corrects (-|0|[1-9][0-9]{0,14})\n"
    rb"from ([0-9]{4}-[0-9]{2}-[0-9]{2})\n"
    rb"to ([0-9]{4}-[0-9]{2}-[0-9]{2})\n"
    rb"commitment ([0-9a-f]{64})\n\Z"
)


def is_day(text):
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Entry:
    def __init__(self, data, where, number):
        found = ENTRY.match(data)
        if not found or (found.group(3) == b"list") != (found.group(4) == b"-"):
            raise Misfit(where + " does not read as an entry")
        words = [word.decode() for word in found.groups()]
        self.posting, self.area, self.kind, corrects, self.begins, self.ends, commitment = words
        if not is_day(self.begins) or not is_day(self.ends):
            raise Misfit(where + " does not read as an entry")
        if corrects != "-" and int(corrects) >= number:
            raise Misfit(where + " corrects none that was before it")
        self.commitment = bytes.fromhex(commitment)


# The head of a content, line by line: a name, then what its fields are like.
ANY, DIGITS = r"[^\t]*", r"(?:0|[1-9][0-9]{0,14})"
HEAD = [
    ("format", ["siji-posting", "1"]), ("zone", [ANY]), ("village", [ANY]),
    ("month", ["[0-9]{4}-(?:0[1-9]|1[0-2])"]), ("scheme", [ANY, DIGITS]), ("place", [ANY]),
    ("from", ["[0-9-]{10}"]), ("to", ["[0-9-]{10}"]), ("days", [DIGITS, "(?:calendar|working)"]),
    ("contact", [ANY]), ("corrects", ["(?:-|[0-9a-f]{64})"]),
]
CATEGORY = ("category", [ANY, ANY, DIGITS])
ROWS = ("rows", [DIGITS])
OUTCOME = "(?:assessed|not_assessed|suspended)"


def fits(line, fields):
    return re.match("\\A" + "\t".join(fields) + "\\Z", line)


def read_content(text):
    """The first value of each line of the head; the whole text must be as its format says."""
    if not text.startswith("format\tsiji-posting\t1\n"):
        raise Misfit("the text is no posting of a format that I know")
    lines, head, number = text.split("\n"), {}, 0

    def take(name, fields):
        nonlocal number
        line = lines[number] if number < len(lines) else ""
        number += 1
        if not fits(line, [name] + fields):
            raise Misfit("line %d of the text does not read as its format says" % number)
        return line.split("\t")

    for name, fields in HEAD:
        head[name] = take(name, fields)[1]
    categories = 0
    while number < len(lines) and lines[number].startswith("category\t"):
        take(*CATEGORY)
        categories += 1
    rows = int(take(*ROWS)[1])
    if len(lines) != number + rows + 1 or lines[-1] != "":
        raise Misfit("the text has another number of rows than it says")
    sums = ["(?:%s)?" % DIGITS] * categories
    for _ in range(rows):
        take(DIGITS, [ANY, ANY, ANY] + sums + [DIGITS, OUTCOME])
    if any(ord(c) < 32 and c not in "\t\n" or ord(c) == 127 for c in text):
        raise Misfit("the text holds control characters")
    return head


SALT = re.compile(r"\A[0-9a-f]{32}\Z")


def check_posting(text, key_text):
    try:
        file = json.loads(text)
        if file["format"] != "siji-posting-proof/1":
            raise Unread("this is no proof file of a format that I know")
        parts = [file[name] for name in ("content", "salt", "entry", "proof")]
        content, salt, entry_bytes, proof = (part.encode() for part in parts)
        told = [str(key) for key in file["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unread("this is not a proof file") from None
    if not SALT.match(file["salt"]):
        raise Misfit("the salt is not 32 hexadecimal digits")
    key = Key(key_text or (told[0] if told else ""))
    start, _, note = proof.decode().partition("\n\n")
    lines = start.split("\n")
    if len(lines) < 2 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("index "):
        raise Misfit("the proof does not read as its format says")
    if not NUMBER.match(lines[1][6:]):
        raise Misfit("the proof does not read as its format says")
    index = int(lines[1][6:])
    path = [from_base64(line, "the proof") for line in lines[2:]]
    if any(len(step) != 32 for step in path):
        raise Misfit("the proof does not read as its format says")
    entry = Entry(entry_bytes, "the entry", index)
    if sha256(bytes.fromhex(file["salt"]), content) != entry.commitment:
        raise Misfit("the entry commits to another text than this")
    head = read_content(content.decode())
    says = (head["from"], head["to"], head["corrects"] != "-")
    if says != (entry.begins, entry.ends, entry.kind == "correction"):
        raise Misfit("the entry says another period or kind than the text")
    checkpoint = Checkpoint(note.encode(), key)
    if root_by_inclusion(leaf(entry_bytes), index, checkpoint.size, path) != checkpoint.root:
        raise Misfit("the entry does not lead to the checkpoint's root")
    print("genuine: %s, %s, hung from %s to %s" %
          (head["village"], head["month"], entry.begins, entry.ends))
    print("posting %s, number %d in the log" % (entry.posting, index))
    print("log, short form: " + checkpoint.short())
    if not key_text:
        print("The key came with the file. Who wants to trust nobody gives it with --key: " + told[0])


# Whole logs ----------------------------------------------------------------------------------------

def fetcher(log):
    """Reads a file of the log by its path; of a partial one that is not there (the log has grown,
    and a mirror keeps the newest alone) the beginning of a wider one."""
    if re.match(r"\Ahttps?://", log):
        def read(path):
            return fetch_url(log.rstrip("/") + "/" + path)
    else:
        def read(path):
            return read_file(os.path.join(log, *path.split("/")))

    def fetch(path):
        try:
            return read(path)
        except Unread as unread:
            for wider in wider_than(path, read):
                try:
                    return beginning(path, read(wider))
                except Unread:
                    pass
            raise unread
    return fetch


PARTIAL = re.compile(r"\A(tile/(entries|[0-9]+)/([x0-9/]+))\.p/([0-9]+)\Z")


def wider_than(path, read):
    """Where the beginning of a partial tile may stand too: the full one, and the one that the log's
    own checkpoint has. What that says is believed by nobody: the hashes are checked."""
    found = PARTIAL.match(path)
    if not found:
        return
    full, level, number, width = found.groups()
    yield full
    try:
        size = int(read("checkpoint").decode("utf-8", "replace").split("\n")[1][:15])
    except (Unread, ValueError, IndexError):
        return
    above = 0 if level == "entries" else int(level)
    first = 256 * int(number.replace("x", "").replace("/", ""))
    newest = (size >> 8 * above) - first
    if int(width) < newest < 256:
        yield "%s.p/%d" % (full, newest)


def beginning(path, data):
    """As much of a wider file as the path asks for."""
    _, level, _, width = PARTIAL.match(path).groups()
    if level != "entries":
        return data[:32 * int(width)]
    at = 0
    for _ in range(int(width)):
        at += 2 + int.from_bytes(data[at:at + 2], "big")
    return data[:at]


def fetch_url(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read(64 << 20)
    except (OSError, ValueError) as error:
        raise Unread("%s: %s" % (url, error)) from None


def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unread("%s: %s" % (path, error.strerror)) from None


def read_either(place):
    return fetch_url(place) if re.match(r"\Ahttps?://", place) else read_file(place)


def unbundle(data, width, path):
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 2], "big")
        entry = data[at + 2:at + 2 + length]
        if at + 2 + length > len(data):
            raise Misfit(path + " ends within an entry")
        entries.append(entry)
        at += 2 + length
    if len(entries) != width:
        raise Misfit(path + " holds another number of entries")
    return entries


def check_all(log, key, quiet=False):
    fetch = fetcher(log)
    checkpoint = Checkpoint(fetch("checkpoint"), key)
    size = checkpoint.size
    leaves, postings = [], {}
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        path = tile_path("entries", number, width)
        for data in unbundle(fetch(path), width, path):
            entry = Entry(data, "%s: entry %d" % (path, len(leaves)), len(leaves))
            if entry.posting in postings:
                raise Misfit("%s: posting %s stands twice" % (path, entry.posting))
            postings[entry.posting] = len(leaves)
            leaves.append(leaf(data))
    # Every tile against what the tiles below it make, the lowest against the entries.
    tree, level, below = Tree(size, fetch), 0, leaves
    while below:
        above = []
        for number in range((len(below) + 255) // 256):
            rows = tree.tile(level, number)
            if rows[0] != below[256 * number:256 * (number + 1)]:
                width = len(rows[0])
                raise Misfit(tile_path(str(level), number, width) + " is not what is below it")
            if len(rows[0]) == 256:
                above.append(rows[8][0])
        level, below = level + 1, above
    if tree.span(0, size) != checkpoint.root:
        raise Misfit("the checkpoint has another root than the entries make")
    for index, hashed in enumerate(leaves):
        if root_by_inclusion(hashed, index, size, tree.inclusion(index)) != checkpoint.root:
            raise Misfit("entry %d does not lead to the checkpoint's root" % index)
    if not quiet:
        print("the whole log holds: %d entries, every proof checked" % size)
        print("log, short form: " + checkpoint.short())


def check_growth(old_file, new_file, log, key):
    old, new = Checkpoint(read_either(old_file), key), Checkpoint(read_either(new_file), key)
    path = []
    if 0 < old.size < new.size:
        tree = Tree(new.size, fetcher(log))
        if tree.span(0, new.size) != new.root:
            raise Misfit("the tiles are not those of the newer checkpoint")
        path = tree.consistency(old.size)
    check_consistency(old.size, old.root, new.size, new.root, path)
    print("grew honestly from %d to %d entries" % (old.size, new.size))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("posting")
    one.add_argument("file")
    one.add_argument("--key")
    two = commands.add_parser("checkpoints")
    for name in ("old", "new", "log"):
        two.add_argument(name)
    two.add_argument("--key", required=True)
    every = commands.add_parser("all")
    every.add_argument("log")
    every.add_argument("--key", required=True)
    asked = parser.parse_args()
    try:
        if asked.command == "posting":
            check_posting(read_either(asked.file).decode("utf-8", "replace"), asked.key)
        elif asked.command == "checkpoints":
            check_growth(asked.old, asked.new, asked.log, Key(asked.key))
        else:
            check_all(asked.log, Key(asked.key))
    except Misfit as misfit:
        print("DOES NOT HOLD: %s" % misfit)
        return 1
    except Unread as unread:
        print("verify_posting: %s" % unread, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
