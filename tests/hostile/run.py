"""The program met by people who mean it no good, or type whatever comes to hand.

Schemathesis asks every operation of the API document, as each role and as a stranger, with values
that fit and values that do not: no 5xx, no status, kind of answer or problem that the document does
not name. sqlmap tries the fields that reach the database's searches and orders.

SIJI is the program, OUT the folder for logs, SIJI_EXAMPLES how many examples each operation gets.
Words on the command line choose accounts, or `sqlmap`. Closes with "N passed, N failed".
"""

import json
import os
import re
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SIJI = os.environ.get("SIJI", "../../target/release/siji")
OUT = Path(os.environ.get("OUT", "../../out/hostile"))
EXAMPLES = int(os.environ.get("SIJI_EXAMPLES", "3"))
SEED = os.environ.get("SIJI_SEED", str(secrets.randbelow(1_000_000)))
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"

PASSWORD = "siji-demo"
ACCOUNTS = ["office", "township", "village", "officer", "cadre", "store", "auditor", None]
# They can lock the others out, and ask last.
ADMINISTRATORS = ["admin", "security"]

# Asked by nobody, with the reason.
LEFT_OUT = {
    "access.sign_out": "ends the session that asks; the doors test signs everybody out",
}

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]

# Where a record's id may be real, and in which table it lies.
TABLES = {
    "/batches/": "batch", "/cards/": "card", "/donations/": "donation", "/goods/": "goods",
    "/households/": "household", "/import/": "import", "/market-days/": "market_day",
    "/objections/": "objection", "/p/": "posting", "/people/": "person", "/posts/": "post",
    "/postings/": "posting", "/receipts/": "redemption", "/rounds/": "round",
    "/scheme/": "scheme", "/takeouts/": "takeout",
}
NAMED = {
    "batch": "batch", "day": "market_day", "goods": "goods", "household": "household",
    "lot": "lot", "person": "person", "place": "place", "village": "area",
}

# What sqlmap tries: the fields that searches, orders and conditions are made of.
SUSPECTS = [
    ("office", "/households?q=a&area=001&order=name", "q,area,order"),
    ("office", "/goods?q=a&sort=points&way=down", "q,sort,way"),
    ("auditor", "/audit?person=a&verb=b&area=001", "person,verb,area"),
    (None, "/p?q=a", "q"),
]


# Ends the server when the pipe on its standard input ends, however this process ends.
WATCHDOG = '"$@" </dev/null & server=$!; cat >/dev/null; kill $server 2>/dev/null; wait $server'


class Server:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="siji-hostile-"))
        self.data = self.folder / "zone"
        self.sessions = {}
        words = ["demo", "--no-serve", "--json", "--households", "60", "--months", "2"]
        subprocess.run([SIJI, *words, "--data", self.data], check=True, stdout=subprocess.DEVNULL)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{address}"
        self.log = open(OUT / "server.log", "w")
        words = ["serve", "--data", self.data, "--listen", address]
        watched = ["sh", "-c", WATCHDOG, "watchdog", SIJI, *words]
        self.process = subprocess.Popen(
            watched, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 15
        while True:
            try:
                urllib.request.urlopen(self.url + "/login").read()
                return
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline:
                    self.stop()
                    raise SystemExit("the server did not answer in 15 s; see server.log")
                time.sleep(0.05)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def session(self, login):
        """The cookies of somebody who has signed in: once, since whoever asks everything also types
        so many wrong passwords that this address has to wait."""
        if login not in self.sessions:
            self.sessions[login] = self.sign_in(login)
        return self.sessions[login]

    def sign_in(self, login):
        body = json.dumps({"login": login, "password": PASSWORD}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.url}
        request = urllib.request.Request(self.url + "/login", body, headers)
        with urllib.request.urlopen(request) as answer:
            cookies = answer.headers.get_all("Set-Cookie")
        return "; ".join(cookie.split(";")[0] for cookie in cookies)

    def form_token(self, cookies):
        """What the forms of this session's pages carry; None where they carry nothing."""
        request = urllib.request.Request(self.url + "/", headers={"Cookie": cookies})
        with urllib.request.urlopen(request) as answer:
            found = re.search(r'name="csrf" value="([^"]+)"', answer.read().decode())
        return found and found.group(1)

    def lines(self):
        """How many lines of the log say that something was done: how deep the questions reach."""
        with sqlite3.connect(f"file:{self.data}/siji.db?mode=ro", uri=True) as base:
            said = "SELECT COUNT(*) FROM audit_log WHERE kind <> 'refusal'"
            return base.execute(said).fetchone()[0]

    def document(self):
        return json.load(urllib.request.urlopen(self.url + "/openapi.json"))

    def ids(self, table):
        """Some records that are there."""
        with sqlite3.connect(f"file:{self.data}/siji.db?mode=ro", uri=True) as base:
            rows = base.execute(f'SELECT id FROM "{table}" ORDER BY id DESC LIMIT 6').fetchall()
        return [str(uuid.UUID(bytes=row[0])) for row in rows]


def with_real_ids(document, server):
    """The document with the ids of records that are there among those it takes."""
    known = {}

    def real(table):
        if table not in known:
            known[table] = server.ids(table)
        return known[table]

    def widened(name, schema, table):
        if schema.get("format") != "uuid" or table is None:
            return schema
        return {"anyOf": [{"enum": real(table)}, schema]} if real(table) else schema

    for path, methods in document["paths"].items():
        of_path = next((table for start, table in TABLES.items() if path.startswith(start)), None)
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                table = of_path if name == "id" else NAMED.get(name)
                parameter["schema"] = widened(name, parameter["schema"], table)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = content["schema"]
                fields = schema.get("properties", {})
                # Of sheets that come in together, each one's.
                each = fields.get("sheets", {}).get("items", {}).get("properties", {})
                for some in (fields, each):
                    for name in some:
                        some[name] = widened(name, some[name], NAMED.get(name))
                many = schema.get("additionalProperties")
                if many and path == "/counter":
                    fields.update({f"goods-{id}": many for id in real("goods")})
                if many and path == "/goods/move":
                    fields.update({f"lot-{id}": many for id in real("lot")})
    return document


def without(document, names):
    """The document without these operations."""
    for methods in document["paths"].values():
        for method in [m for m, op in methods.items() if op["operationId"] in names]:
            del methods[method]
    return document


def ask_everything(server, login):
    """Every operation, as this account."""
    name = login or "stranger"
    file = OUT / f"openapi-{name}.json"
    document = without(with_real_ids(server.document(), server), LEFT_OUT)
    file.write_text(json.dumps(document))
    words = [
        SCHEMATHESIS, "run", file, "--url", server.url, "--checks", ",".join(CHECKS),
        "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", SEED,
        "--workers", "1", "--continue-on-failure", "--no-color", "--no-shrink",
        "--generation-with-security-parameters", "false", "--suppress-health-check", "all",
        "--max-redirects", "0", "--generation-database", "none", "--warnings", "off",
        "--header", f"Origin: {server.url}", "--output-sanitize", "false",
        "--max-response-time", "5",
    ]
    if login:
        cookies = server.session(login)
        words += ["--header", f"Cookie: {cookies}"]
        if token := server.form_token(cookies):
            words += ["--header", f"X-CSRF-Token: {token}"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=server.folder)
    (OUT / f"schemathesis-{name}.txt").write_text(done.stdout + done.stderr)
    asked = re.search(r"(\d+) generated", done.stdout)
    if done.returncode != 0:
        raise AssertionError(f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}\nseed {SEED}")
    return f"{asked.group(1) if asked else '?'} requests"


def inject(server, login, target, fields):
    """sqlmap on these fields of a page."""
    name = re.sub(r"[^a-z]+", "-", target).strip("-")
    words = [
        "sqlmap", "-u", server.url + target, "-p", fields, "--batch", "--level", "2",
        "--risk", "1", "--dbms", "sqlite", "--technique", "BEU", "--threads", "2",
        "--output-dir", str(server.folder / f"sqlmap-{name}"), "--disable-coloring", "--flush-session",
    ]
    if login:
        words += ["--cookie", server.session(login), "--skip", "Cookie"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=server.folder)
    (OUT / f"sqlmap-{name}.txt").write_text(done.stdout + done.stderr)
    if "do not appear to be injectable" not in done.stdout:
        raise AssertionError(done.stdout[-4000:] + done.stderr)
    return fields


def tell(name, step, *arguments):
    """One step; says how it went, and whether it went well."""
    since = time.monotonic()
    try:
        said = step(*arguments)
        print(f"  ok {name} ({said}, {time.monotonic() - since:.0f} s)", flush=True)
        return True
    except AssertionError as error:
        print(f"  FAILED {name}\n{error}", flush=True)
        return False


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[1:]
    server = Server()
    for login in filter(None, ACCOUNTS + ADMINISTRATORS):
        server.session(login)
    steps = []
    if not chosen or "sqlmap" in chosen:
        steps += [(f"sqlmap on {at}", inject, server, who, at, p) for who, at, p in SUSPECTS]
    for login in ACCOUNTS + ADMINISTRATORS:
        name = login or "stranger"
        if not chosen or name in chosen:
            steps.append((f"every operation as {name}", ask_everything, server, login))
    try:
        with ThreadPoolExecutor(max_workers=2) as pool:
            first = [step for step in steps if step[-1] not in ADMINISTRATORS]
            results = list(pool.map(lambda step: tell(*step), first))
            results += pool.map(lambda step: tell(*step), steps[len(first):])
        print(f"  {server.lines()} lines of the log say that something was done")
    finally:
        server.stop()
    if "panicked" in (OUT / "server.log").read_text():
        print("  FAILED the server panicked; see server.log")
        results.append(False)
    for operation, reason in LEFT_OUT.items():
        print(f"  left out: {operation}: {reason}")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
