#!/usr/bin/python3
"""A local double of the Cachix service, as strict as the real one, for tests.

    cachix_double.py --port 0 --cache mine --cache own,signing=client,key=BASE64 --token secret

It prints one line of JSON, {"url": ..., "public_keys": {NAME: KEY}}, when it listens, and ends on
SIGTERM or when its parent dies. What it does:

  the API       /api/v1/cache/NAME...           what a push asks, each field checked
  the store     PUT /store/...                  presigned URLs that expire, S3's rules for parts
  the read side /NAME/HASH.narinfo, /NAME/nar/  what Nix substitutes from; signed
  the controls  /control/...                    for tests, see below

Every complete upload is checked for what a careless client gets wrong: parts, ETags, the hash and
size of file and NAR (it is decompressed), the order of references, the signature.

Controls:
  GET  /control/state     calls by kind, completed paths, uploads left open, aborted ones, pins. Of those
                          left open, `is_known` says whether the client showed that it knows the id
  POST /control/reset     forgets all of it, and all faults
  POST /control/faults    a list of rules; replaces those before
  GET  /control/wait?call=KIND&count=N   answers when N calls of that kind have come in
  GET  /control/quiet     answers when no other connection is there any more: all that dead clients have sent
                          has had its effect
  POST /control/release   lets go all calls that a rule holds

A rule {"match": REGEX, "nth": 1, "times": 1, "do": {...}} strikes the nth call (and `times` - 1 more;
0: all later ones) whose "METHOD /path?query" the expression is found in. What it can do:
  {"status": 502, "headers": {...}, "body": "..."}   answer so instead; a header "now+2" is the date in 2 s
  {"drop": "before" | "after"}   close the connection, before or after the call took effect
  {"reset": "before" | "after"}  reset it
  {"refuse": SECONDS}            stop listening for so long, and close every connection
  {"cut": N}                     send N bytes of the body's many, then close the connection
  {"raw": "..."}                 these bytes instead of an answer in HTTP, then close the connection
  {"hang": true}                 never answer
  {"hold": true}                 answer when told to, /control/release
  {"etag": "..."}                give this ETag
  {"expire": true}               hand out a URL that has expired already
  {"host": "HOST:PORT"}          hand out a URL that leads there
  {"rival": true}                somebody else completes the path first; the client is told that it is there
  {"kill": PID, "when": "before" | "after" | "answered"}   SIGKILL, before or after the call took effect, or
                                 when it was answered

--delay-ms N answers every call but the controls so much later, as a service far away would.
"""

import argparse
import base64
import collections
import contextlib
import ctypes
import email.utils
import hashlib
import hmac
import http.server
import json
import lzma
import os
import random
import re
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

import nacl.exceptions
import nacl.signing
import zstandard

HASH = re.compile(r"[0-9a-df-np-sv-z]{32}")
BASE_NAME = re.compile(r"[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+\-._?=]{1,211}")
BULK_BODY_MAX = 1_200_000
BULK_HASHES_MAX = 32768
PARTS_MAX = 10000
NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"


def nix32(data):
    number = int.from_bytes(data, "little")
    length = (len(data) * 8 - 1) // 5 + 1
    return "".join(NIX32[number >> 5 * n & 31] for n in reversed(range(length)))


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status, text, content_type="text/plain;charset=utf-8", headers=None):
        super().__init__(text)
        self.status, self.text, self.content_type = status, text, content_type
        self.headers = headers or {}


def s3_refusal(status, code, message, **more):
    fields = "".join(f"<{k}>{v}</{k}>" for k, v in {"Code": code, "Message": message, **more}.items())
    return Refusal(status, f'<?xml version="1.0" encoding="UTF-8"?><Error>{fields}</Error>', "application/xml")


# ---- JSON bodies, strictly ----


def check_fields(value, what, **types):
    """`value` must be an object with exactly these fields of these types."""
    if not isinstance(value, dict):
        raise Refusal(400, f"Error in $: {what} must be an object")
    for name in types:
        if name not in value:
            raise Refusal(400, f'Error in $: parsing {what} failed, key "{name}" not found')
    for name, field in value.items():
        if name not in types:
            raise Refusal(400, f'Error in $: {what} has no field "{name}"')
        if not isinstance(field, types[name]) or isinstance(field, bool):
            raise Refusal(400, f"Error in $.{name}: wrong type")


def check(condition, text):
    if not condition:
        raise Refusal(400, text)


# ---- what is kept ----


class Cache:
    def __init__(self, description):
        self.name, *settings = description.split(",")
        options = dict(s.split("=", 1) for s in settings)
        self.client_signs = options.pop("signing", "server") == "client"
        self.public_key = options.pop("key", None)  # Base 64; of the client's, when it signs.
        self.prefers = options.pop("prefers", "ZSTD")
        self.permission = options.pop("permission", "Write")
        self.is_public = options.pop("public", "yes") == "yes"
        if options:
            sys.exit(f"--cache {description}: no such setting: {', '.join(options)}")
        self.narinfos = {}  # hash -> the fields of `complete`, and `compression`

    def key_name(self):
        return f"{self.name}.cachix.org-1"

    def is_whole(self, store_hash):
        """Is the path there with all that it refers to?"""
        seen, todo = set(), [store_hash]
        while todo:
            current = todo.pop()
            if current not in self.narinfos:
                return False
            if current not in seen:
                seen.add(current)
                todo += [r[:32] for r in self.narinfos[current]["cReferences"]]
        return True


class Service:
    """All state, and the calls that change it; each runs under one lock but for the heavy reading."""

    def __init__(self, options):
        self.options = options
        self.directory = options.state or tempfile.mkdtemp(prefix="cachix-double-")
        os.makedirs(f"{self.directory}/parts", exist_ok=True)
        os.makedirs(f"{self.directory}/nar", exist_ok=True)
        self.caches = {c.name: c for c in map(Cache, options.cache)}
        self.uploads = {}  # narId -> dict
        self.secret = os.urandom(32)
        self.server_key = nacl.signing.SigningKey.generate()
        self.changed = threading.Condition()
        self.calls = collections.Counter()
        self.completed, self.aborted, self.pins, self.faults = [], [], [], []
        self.released = threading.Event()
        self.load()
        for cache in self.caches.values():
            if not cache.client_signs:
                cache.public_key = base64.b64encode(bytes(self.server_key.verify_key)).decode()

    def file(self, kind, name):
        return f"{self.directory}/{kind}/{name}"

    def load(self):
        try:
            with open(f"{self.directory}/state.json", encoding="utf-8") as f:
                state = json.load(f)
        except FileNotFoundError:
            return
        self.secret = bytes.fromhex(state["secret"])
        self.server_key = nacl.signing.SigningKey(bytes.fromhex(state["server_key"]))
        self.uploads, self.completed, self.aborted = state["uploads"], state["completed"], state["aborted"]
        self.pins = state["pins"]
        for name, narinfos in state["narinfos"].items():
            if name in self.caches:
                self.caches[name].narinfos = narinfos

    def save(self):
        """With --state only; whole, so that a kill at any moment leaves the old or the new."""
        if not self.options.state:
            return
        state = {
            "secret": self.secret.hex(),
            "server_key": bytes(self.server_key).hex(),
            "uploads": self.uploads,
            "completed": self.completed,
            "aborted": self.aborted,
            "pins": self.pins,
            "narinfos": {c.name: c.narinfos for c in self.caches.values()},
        }
        with open(f"{self.directory}/state.json.new", "w", encoding="utf-8") as f:
            json.dump(state, f)
        os.rename(f"{self.directory}/state.json.new", f"{self.directory}/state.json")

    # -- uploads --

    def create(self, cache, compression):
        nar_id = str(uuid.uuid4())
        # Every character that a careless client forgets to encode.
        upload_id = "+a/" + base64.b64encode(os.urandom(34)).decode() + "=="
        with self.changed:
            self.uploads[nar_id] = {
                "cache": cache.name, "compression": compression, "upload_id": upload_id, "parts": {},
                "is_known": False}
            self.save()
        return {"narId": nar_id, "uploadId": upload_id}

    def upload(self, cache, nar_id, query):
        upload = self.uploads.get(nar_id)
        if upload is None or upload["cache"] != cache.name:
            raise Refusal(404, "Upload not found")
        check(query.get("uploadId") == upload["upload_id"], "uploadId does not belong to this upload")
        upload["is_known"] = True
        return upload

    def signature(self, path, number, upload_id, date, expires, md5, host):
        text = "\n".join(["PUT", path, number, upload_id, date, expires, md5, host])
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()

    def presign(self, nar_id, upload_id, number, md5, host, age=0):
        path, expires = f"/store/{nar_id}", str(self.options.presign_seconds)
        date = str(int(time.time() * 1000) - age)
        query = urllib.parse.urlencode({
            "partNumber": number, "uploadId": upload_id, "X-Amz-Date": date, "X-Amz-Expires": expires,
            "X-Amz-SignedHeaders": "content-md5;host",
            "X-Amz-Signature": self.signature(path, number, upload_id, date, expires, md5, host)})
        return f"http://{host}{path}?{query}"

    def put(self, nar_id, query, headers, body):
        md5 = headers.get("Content-MD5", "")
        path, number, upload_id = f"/store/{nar_id}", query.get("partNumber", ""), query.get("uploadId", "")
        date, expires = query.get("X-Amz-Date", "0"), query.get("X-Amz-Expires", "0")
        signature = self.signature(path, number, upload_id, date, expires, md5, headers.get("Host", ""))
        if headers.get("Authorization") is not None:
            raise s3_refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
        if headers.get("Content-Type") != "application/octet-stream":
            raise s3_refusal(400, "InvalidArgument", "Content-Type must be application/octet-stream")
        if not hmac.compare_digest(signature, query.get("X-Amz-Signature", "")):
            raise s3_refusal(403, "SignatureDoesNotMatch", "The signature does not match", StringToSign=signature)
        if time.time() * 1000 > int(date) + int(expires) * 1000:
            raise s3_refusal(403, "AccessDenied", "Request has expired")
        if base64.b64encode(hashlib.md5(body).digest()).decode() != md5:
            raise s3_refusal(400, "BadDigest", "The Content-MD5 you specified did not match")
        name = f"{nar_id}-{number}"
        with open(self.file("parts", name), "wb") as f:
            f.write(body)
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        with self.changed:
            upload = self.uploads.get(nar_id)
            if upload is None or upload["upload_id"] != upload_id:
                raise s3_refusal(404, "NoSuchUpload", "The upload does not exist")
            upload["parts"][number] = {"etag": etag, "size": len(body)}
            self.save()
        return etag

    def forget(self, nar_id):
        with self.changed:
            upload = self.uploads.pop(nar_id, None)
            if upload is None:  # Completed or aborted while we looked.
                raise Refusal(404, "upload not found")
            self.save()
        for number in upload["parts"]:
            os.unlink(self.file("parts", f"{nar_id}-{number}"))
        return upload

    def abort(self, cache, nar_id, query):
        self.upload(cache, nar_id, query)
        self.forget(nar_id)
        with self.changed:
            self.aborted.append(nar_id)
            self.save()

    # -- pins --

    def pin(self, cache, body):
        check_fields(body, "the body", name=str, storePath=str, artifacts=list, keep=(dict, type(None)))
        check(body["name"], "a pin has a name")
        path, keep = body["storePath"], body["keep"]
        check(path.startswith("/nix/store/") and BASE_NAME.fullmatch(path[len("/nix/store/"):]),
              "storePath is no full store path")
        check(all(isinstance(a, str) and a and not a.startswith("/") for a in body["artifacts"]),
              "artifacts must be paths within the store path")
        if keep is not None:
            check_keep(keep)
        with self.changed:
            # It names a revision of a path that is there, with all that it needs.
            check(cache.is_whole(path[len("/nix/store/"):][:32]), "The store path is not in this cache")
            self.pins.append({"cache": cache.name, **body})
            self.save()

    # -- complete --

    def complete(self, cache, nar_id, query, body):
        upload = self.upload(cache, nar_id, query)
        check_fields(body, "the body", parts=list, narInfoCreate=dict)
        numbers = self.check_parts(upload, body["parts"])
        narinfo = body["narInfoCreate"]
        self.check_narinfo(cache, narinfo)
        new = self.file("nar", f"new-{nar_id}")
        self.join(nar_id, numbers, new, narinfo)
        check_nar(new, upload["compression"], narinfo)
        name = f'{narinfo["cFileHash"]}.nar.{upload["compression"]}'
        os.rename(new, self.file("nar", name))
        with self.changed:
            self.forget(nar_id)
            path = f'/nix/store/{narinfo["cStoreHash"]}-{narinfo["cStoreSuffix"]}'
            sizes = [upload["parts"][n]["size"] for n in numbers]
            self.completed.append({
                "cache": cache.name, "path": path, "parts": sizes, "compression": upload["compression"],
                "nar_size": narinfo["cNarSize"], "file_size": narinfo["cFileSize"]})
            # The first upload of a path stays.
            cache.narinfos.setdefault(narinfo["cStoreHash"], {**narinfo, "compression": upload["compression"]})
            self.save()

    def check_parts(self, upload, parts):
        """Returns the numbers in their order."""
        stored, numbers = upload["parts"], []
        check(1 <= len(parts) <= PARTS_MAX, "there must be 1 to 10000 parts")
        for part in parts:
            check_fields(part, "a part", partNumber=int, eTag=str)
            number = str(part["partNumber"])
            check(number in stored, f"InvalidPart: part {number} was not uploaded")
            check(part["eTag"] == stored[number]["etag"], f"InvalidPart: the ETag of part {number} is another")
            check(not numbers or int(number) > int(numbers[-1]), "InvalidPartOrder: parts must be ascending")
            numbers.append(number)
        sizes = [stored[n]["size"] for n in numbers]
        for size in sizes[:-1]:
            check(size >= self.options.min_part_size, "EntityTooSmall: a part but the last is too small")
            check(size == sizes[0], "InvalidPart: all parts but the last must have one size")
        check(sizes[-1] <= sizes[0], "InvalidPart: the last part is larger than the others")
        return numbers

    def check_narinfo(self, cache, info):
        check_fields(info, "narInfoCreate", cStoreHash=str, cStoreSuffix=str, cNarHash=str, cNarSize=int,
                     cFileHash=str, cFileSize=int, cReferences=list, cDeriver=str, cSig=(str, type(None)))
        base = f'{info["cStoreHash"]}-{info["cStoreSuffix"]}'
        check(BASE_NAME.fullmatch(base), "cStoreHash and cStoreSuffix make no store path")
        check(re.fullmatch(rf"sha256:[{NIX32}]{{52}}", info["cNarHash"]), "cNarHash is not sha256:<base32>")
        check(re.fullmatch(r"[0-9a-f]{64}", info["cFileHash"]), "cFileHash is not 64 hexadecimal digits")
        check(info["cNarSize"] > 0, "NarSizeIsZero")
        for reference in info["cReferences"]:
            check(isinstance(reference, str) and BASE_NAME.fullmatch(reference), "a reference is no base name")
        sorted_bytewise = sorted(set(info["cReferences"]), key=str.encode)
        check(info["cReferences"] == sorted_bytewise, "cReferences are not sorted, or not each once")
        deriver = info["cDeriver"]
        check(deriver == "unknown-deriver" or (BASE_NAME.fullmatch(deriver) and deriver.endswith(".drv")),
              "cDeriver is no base name of a derivation")
        if cache.client_signs:
            check_signature(cache, info)
        else:
            check(info["cSig"] is None, "cSig must be null: this cache signs itself")

    def join(self, nar_id, numbers, new, info):
        digest, size = hashlib.sha256(), 0
        with open(new, "wb") as out:
            for number in numbers:
                with open(self.file("parts", f"{nar_id}-{number}"), "rb") as part:
                    data = part.read()
                out.write(data)
                digest.update(data)
                size += len(data)
        check(digest.hexdigest() == info["cFileHash"], "cFileHash is not the hash of the parts")
        check(size == info["cFileSize"], "cFileSize is not the size of the parts")

    # -- reading --

    def narinfo(self, cache, store_hash):
        if not cache.is_whole(store_hash):
            raise Refusal(404, "404")
        info = cache.narinfos[store_hash]
        signature = info["cSig"]
        if signature is None:
            signature = base64.b64encode(self.server_key.sign(fingerprint(info)).signature).decode()
        suffix = info["compression"]
        lines = {
            "StorePath": f'/nix/store/{info["cStoreHash"]}-{info["cStoreSuffix"]}',
            "URL": f'nar/{info["cFileHash"]}.nar.{suffix}',
            "Compression": {"zst": "zstd", "xz": "xz"}[suffix],
            "FileHash": f'sha256:{info["cFileHash"]}', "FileSize": info["cFileSize"],
            "NarHash": info["cNarHash"], "NarSize": info["cNarSize"],
            "References": " ".join(info["cReferences"]), "Deriver": info["cDeriver"],
            "Sig": f"{cache.key_name()}:{signature}",
        }
        return "".join(f"{name}: {value}\n" for name, value in lines.items())

    def state(self):
        with self.changed:
            return {
                "calls": dict(self.calls), "completed": self.completed, "aborted": self.aborted,
                "pins": self.pins, "open": [{"narId": n, **u} for n, u in self.uploads.items()]}

    def reset(self):
        with self.changed:
            for cache in self.caches.values():
                cache.narinfos = {}
            self.calls.clear()
            self.uploads = {}
            self.completed, self.aborted, self.pins, self.faults = [], [], [], []
            self.save()

    # -- faults --

    def rival(self, cache, nar_id, body):
        """Somebody else completes the path, out of the same parts; our upload stays open."""
        upload, narinfo = self.uploads[nar_id], body["narInfoCreate"]
        name = f'{narinfo["cFileHash"]}.nar.{upload["compression"]}'
        self.join(nar_id, sorted(upload["parts"], key=int), self.file("nar", name), narinfo)
        with self.changed:
            cache.narinfos.setdefault(narinfo["cStoreHash"], {**narinfo, "compression": upload["compression"]})
            self.save()
        raise Refusal(400, "The store path is there already")

    def note_call(self, kind, line):
        """Count the call; returns what a rule does to it."""
        with self.changed:
            self.calls[kind] += 1
            self.changed.notify_all()
            for rule in self.faults:
                if not re.search(rule["match"], line):
                    continue
                rule["seen"] = rule.get("seen", 0) + 1
                late = rule["seen"] - rule.get("nth", 1)
                if late >= 0 and (rule.get("times", 1) == 0 or late < rule.get("times", 1)):
                    return rule["do"]
        return {}

    def set_faults(self, rules):
        with self.changed:
            self.faults = rules
            self.released.clear()

    def wait(self, kind, count):
        with self.changed:
            return self.changed.wait_for(lambda: self.calls[kind] >= count, timeout=60)


def in_time(text):
    """"now+2" as the date in 2 seconds, in HTTP's form."""
    match = re.fullmatch(r"now\+(\d+)", text)
    return email.utils.formatdate(time.time() + int(match[1]), usegmt=True) if match else text


def check_keep(keep):
    """A sum in aeson's spelling: {"tag": "Forever"}, or Days or Revisions with a number."""
    check(keep.get("tag") in ("Forever", "Days", "Revisions"), "keep.tag is not known")
    names = {"tag"} if keep["tag"] == "Forever" else {"tag", "contents"}
    check(set(keep) == names, f"keep must have exactly {', '.join(sorted(names))}")
    number = keep.get("contents", 1)
    check(isinstance(number, int) and not isinstance(number, bool) and number > 0, "keep.contents is no number")


def fingerprint(info):
    path = f'/nix/store/{info["cStoreHash"]}-{info["cStoreSuffix"]}'
    references = ",".join(f"/nix/store/{r}" for r in info["cReferences"])
    return f'1;{path};{info["cNarHash"]};{info["cNarSize"]};{references}'.encode()


def check_signature(cache, info):
    check(info["cSig"] is not None, "cSig is missing: this cache does not sign")
    try:
        key = nacl.signing.VerifyKey(base64.b64decode(cache.public_key))
        key.verify(fingerprint(info), base64.b64decode(info["cSig"], validate=True))
    except (ValueError, nacl.exceptions.BadSignatureError) as error:
        raise Refusal(400, "The signature does not verify with the cache's public key") from error


def check_nar(file, compression, info):
    """Decompress and compare with what the client said of the NAR."""
    digest, size = hashlib.sha256(), 0
    with open(file, "rb") as compressed:
        if compression == "zst":
            stream = zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)
        else:
            stream = lzma.LZMAFile(compressed)
        try:
            while data := stream.read(1 << 20):
                digest.update(data)
                size += len(data)
        except (zstandard.ZstdError, lzma.LZMAError, EOFError) as error:
            raise Refusal(400, f"the file cannot be decompressed: {error}") from error
    check(size == info["cNarSize"], "cNarSize is not the size of the NAR")
    check("sha256:" + nix32(digest.digest()) == info["cNarHash"], "cNarHash is not the hash of the NAR")


# ---- HTTP ----


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cachix-double", ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # Header and body leave together.

    routes = [
        # method, path, kind (as counted), method of this class
        ("GET", r"/api/v1/cache/([^/]+)", "cache", "get_cache"),
        ("POST", r"/api/v1/cache/([^/]+)/narinfo", "missing", "post_missing"),
        ("POST", r"/api/v1/cache/([^/]+)/multipart-nar", "create", "post_create"),
        ("POST", r"/api/v1/cache/([^/]+)/multipart-nar/([^/]+)", "presign", "post_presign"),
        ("POST", r"/api/v1/cache/([^/]+)/multipart-nar/([^/]+)/complete", "complete", "post_complete"),
        ("POST", r"/api/v1/cache/([^/]+)/multipart-nar/([^/]+)/abort", "abort", "post_abort"),
        ("POST", r"/api/v1/cache/([^/]+)/pin", "pin", "post_pin"),
        ("PUT", r"/store/([^/]+)", "put", "put_part"),
        ("GET", r"(?:/api/v1/cache)?/([^/]+)/nix-cache-info", "read", "get_info"),
        ("GET", r"(?:/api/v1/cache)?/([^/]+)/([^/]+)\.narinfo", "read", "get_narinfo"),
        ("GET", r"(?:/api/v1/cache)?/[^/]+/nar/([^/]+)", "read", "get_nar"),
        ("GET", r"/blob/([^/]+)", "read", "get_blob"),
        ("GET", r"/control/state", "control", "control_state"),
        ("GET", r"/control/wait", "control", "control_wait"),
        ("GET", r"/control/quiet", "control", "control_quiet"),
        ("POST", r"/control/faults", "control", "control_faults"),
        ("POST", r"/control/reset", "control", "control_reset"),
        ("POST", r"/control/release", "control", "control_release"),
    ]

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        if self.server.service.options.verbose:
            super().log_message(format, *args)

    # -- from the request to its method and back --

    def handle_any(self):
        path, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        method = "GET" if self.command == "HEAD" else self.command
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for route_method, pattern, kind, name in self.routes:
            match = re.fullmatch(pattern, path)
            if match and method == route_method:
                break
        else:
            kind, name, match = "unknown", "unknown", None
        fault = {}
        if kind != "control":
            fault = self.service().note_call(kind, f"{self.command} {self.path}")
            time.sleep(self.service().options.delay_ms / 1000)
        if self.strike_before(fault):
            return
        self.fault = fault
        try:
            groups = map(urllib.parse.unquote, match.groups()) if match else ()
            answer = getattr(self, name)(*groups)
        except Refusal as refusal:
            answer = (refusal.status, refusal.headers, refusal.text.encode(), refusal.content_type)
        self.strike_after(fault, answer)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def service(self):
        return self.server.service

    def answer(self, status, headers, body, content_type, cut=None):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **headers}.items():
            self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])

    def hang_up(self, resets=False):
        self.wfile.flush()
        self.close_connection = True
        if resets:  # Who does not linger resets.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
            return
        self.connection.shutdown(socket.SHUT_RDWR)

    def strike_before(self, fault):
        """True: the call is over, and took no effect."""
        if fault.get("hold"):
            self.service().released.wait()
        if fault.get("hang"):
            self.connection.recv(1)  # Until the client gives up.
        if "refuse" in fault:
            self.server.refuse(fault["refuse"])
        if "raw" in fault:
            self.wfile.write(fault["raw"].encode())
        if fault.get("when") == "before":
            os.kill(fault["kill"], signal.SIGKILL)
        if any(name in fault for name in ("hang", "refuse", "raw")) or "before" in (
                fault.get("drop"), fault.get("reset"), fault.get("when")):
            self.hang_up(resets="reset" in fault)
            return True
        if "status" in fault:
            headers = {name: in_time(value) for name, value in fault.get("headers", {}).items()}
            self.answer(fault["status"], {k: v for k, v in headers.items() if k != "Content-Type"},
                        fault.get("body", "").encode(), headers.get("Content-Type", "text/plain"))
            return True
        return False

    def strike_after(self, fault, answer):
        if fault.get("when") == "after":
            os.kill(fault["kill"], signal.SIGKILL)
        if "after" in (fault.get("drop"), fault.get("reset"), fault.get("when")):
            self.hang_up(resets="reset" in fault)
            return
        status, headers, body, content_type = answer
        if "etag" in fault:
            headers = {**headers, "ETag": fault["etag"]}
        self.answer(status, headers, body, content_type, fault.get("cut"))
        if fault.get("when") == "answered":
            self.wfile.flush()
            os.kill(fault["kill"], signal.SIGKILL)
        if "cut" in fault:
            self.hang_up()

    @staticmethod
    def json(value):
        return 200, {}, json.dumps(value).encode(), "application/json;charset=utf-8"

    @staticmethod
    def nothing():
        return 200, {}, b"", "application/json;charset=utf-8"

    def unknown(self):
        raise Refusal(404, "404 Not Found")

    # -- who asks, and for what --

    def cache(self, name, writes=True):
        """The cache called `name`, if who asks may use it so."""
        cache, options = self.service().caches.get(name), self.service().options
        given = self.headers.get("Authorization")
        token = given[len("Bearer "):] if given and given.startswith("Bearer ") else ""
        if token and token not in (options.token, options.read_token):
            raise Refusal(401, "Invalid token, or no such cache")
        if not token and (writes or cache is None or not cache.is_public):
            raise Refusal(401, "You need a token")
        if cache is None:
            raise Refusal(404, "No such cache")
        if writes and token != options.token:
            raise Refusal(403, "The token may not write")
        self.permission = cache.permission if token == options.token else "Read"
        return cache

    def json_body(self):
        if self.headers.get_content_type() != "application/json":
            raise Refusal(415, "Unsupported media type")
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refusal(400, f"Error in $: {error}") from error

    def exact_query(self, *names):
        check(sorted(self.query) == sorted(names), f"the query must have exactly {', '.join(names)}")

    # -- the API --

    def get_cache(self, name):
        cache = self.cache(name, writes=False)
        return self.json({
            "name": cache.name, "uri": f"http://{self.headers['Host']}/{cache.name}", "isPublic": cache.is_public,
            "publicSigningKeys": [f"{cache.key_name()}:{cache.public_key}"] if cache.public_key else [],
            "githubUsername": "someone", "permission": self.permission,
            "preferredCompressionMethod": cache.prefers})

    def post_missing(self, name):
        cache = self.cache(name, writes=False)
        if len(self.body) > BULK_BODY_MAX:
            raise Refusal(413, "Request body is too large")
        hashes = self.json_body()
        check(isinstance(hashes, list) and len(hashes) <= BULK_HASHES_MAX, "there must be a list of hashes")
        check(all(isinstance(h, str) and HASH.fullmatch(h) for h in hashes), "a hash is none")
        # A hash that comes n times comes back n - 1 times, there or not (cachix/cachix#625).
        counts = collections.Counter(hashes)
        missing = [h for h, n in counts.items() for _ in range(n if h not in cache.narinfos else n - 1)]
        random.shuffle(missing)
        return self.json(missing)

    def post_create(self, name):
        cache = self.cache(name)
        self.exact_query("compression")
        check(self.query["compression"] in ("xz", "zst"), "compression must be xz or zst")
        check(self.headers.get("Content-Length") == "0", "the body must be empty, and say so")
        return self.json(self.service().create(cache, self.query["compression"]))

    def post_presign(self, name, nar_id):
        cache = self.cache(name)
        self.exact_query("uploadId", "partNumber")
        self.service().upload(cache, nar_id, self.query)
        body, number = self.json_body(), self.query["partNumber"]
        check_fields(body, "the body", contentMD5=str)
        check(re.fullmatch(r"[A-Za-z0-9+/]{22}==", body["contentMD5"]), "contentMD5 is not base 64 of 16 bytes")
        check(number.isdigit() and 1 <= int(number) <= PARTS_MAX, "partNumber must be 1 to 10000")
        age = (self.service().options.presign_seconds + 1) * 1000 if self.fault.get("expire") else 0
        host = self.fault.get("host", self.headers["Host"])
        return self.json({"uploadUrl": self.service().presign(
            nar_id, self.query["uploadId"], number, body["contentMD5"], host, age)})

    def put_part(self, nar_id):
        if self.headers.get("Transfer-Encoding") or "Content-Length" not in self.headers:
            raise s3_refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header")
        etag = self.service().put(nar_id, self.query, self.headers, self.body)
        return 200, {"ETag": etag}, b"", "application/xml"

    def post_complete(self, name, nar_id):
        cache = self.cache(name)
        self.exact_query("uploadId")
        if self.fault.get("rival"):
            self.service().rival(cache, nar_id, self.json_body())
        self.service().complete(cache, nar_id, self.query, self.json_body())
        return self.nothing()

    def post_abort(self, name, nar_id):
        cache = self.cache(name)
        self.exact_query("uploadId")
        self.service().abort(cache, nar_id, self.query)
        return self.nothing()

    def post_pin(self, name):
        cache = self.cache(name)
        self.exact_query()
        self.service().pin(cache, self.json_body())
        return self.nothing()

    # -- the read side --

    def get_info(self, name):
        self.cache(name, writes=False)
        return 200, {}, b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n", "text/x-nix-cache-info"

    def get_narinfo(self, name, store_hash):
        text = self.service().narinfo(self.cache(name, writes=False), store_hash)
        return 200, {}, text.encode(), "text/x-nix-narinfo"

    def get_nar(self, file):
        return 302, {"Location": f"http://{self.headers['Host']}/blob/{file}"}, b"", "text/plain"

    def get_blob(self, file):
        try:
            with open(self.service().file("nar", file), "rb") as f:
                return 200, {}, f.read(), "application/x-nix-nar"
        except FileNotFoundError as error:
            raise Refusal(404, "404") from error

    # -- the controls --

    def control_state(self):
        return self.json(self.service().state())

    def control_wait(self):
        came = self.service().wait(self.query["call"], int(self.query.get("count", 1)))
        return self.json({"came": came})

    def control_quiet(self):
        return self.json({"quiet": self.server.wait_until_quiet()})

    def control_faults(self):
        self.service().set_faults(json.loads(self.body))
        return self.nothing()

    def control_reset(self):
        self.service().reset()
        return self.nothing()

    def control_release(self):
        self.service().released.set()
        return self.nothing()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connections, self.changed, self.refuses = set(), threading.Condition(), 0

    def serve(self):
        while True:
            self.serve_forever(poll_interval=0.05)
            self.socket.close()  # From now on the kernel refuses whoever connects.
            for connection in list(self.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            time.sleep(self.refuses)
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self.server_activate()

    def refuse(self, seconds):
        self.refuses = seconds
        self.shutdown()

    def process_request(self, request, client_address):
        with self.changed:  # In the order in which they came.
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.changed:
            self.connections.discard(request)
            self.changed.notify_all()

    def wait_until_quiet(self):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.connections) == 1, timeout=60)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, OSError)):
            super().handle_error(request, client_address)


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main():
    parser = argparse.ArgumentParser(description="A local double of the Cachix service.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cache", action="append", required=True,
                        metavar="NAME[,signing=client,key=BASE64][,prefers=XZ][,permission=Read][,public=no]")
    parser.add_argument("--token", default="secret-token", help="may read and write")
    parser.add_argument("--read-token", default="read-token", help="may only read")
    parser.add_argument("--min-part-size", type=int, default=5 << 20)
    parser.add_argument("--presign-seconds", type=int, default=300)
    parser.add_argument("--delay-ms", type=float, default=0, help="of every answer")
    parser.add_argument("--state", metavar="DIR", help="keep everything there over restarts")
    parser.add_argument("--verbose", action="store_true", help="log every request on standard error")
    options = parser.parse_args()
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server = Server(("127.0.0.1", options.port), Handler)
    server.service = Service(options)
    threading.Thread(target=server.serve, daemon=True).start()
    keys = {c.name: f"{c.key_name()}:{c.public_key}" for c in server.service.caches.values()}
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "public_keys": keys}), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    if not options.state:
        shutil.rmtree(server.service.directory)


if __name__ == "__main__":
    main()
