"""The other side of the tests with python-tuf. Reads one JSON object a line from
standard input, and answers each with one.

    {"do": "refresh", "url": ..., "dir": ..., "root": FILE, "now": SECONDS}
        has python-tuf's client bring the metadata in dir up to date, at that time
    {"do": "write", "dir": ..., "targets": DIR, "expires": SECONDS}
        writes a repository with three kinds of keys, whose root was rotated twice,
        of the files below targets; delegates nothing of them to another role
"""

import datetime
import json
import os
import pathlib
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater


def when(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def refresh(url, dir, root, now):
    os.makedirs(dir, exist_ok=True)
    # The client trusts what it has; only the first time it is given a root.
    known = os.path.exists(os.path.join(dir, "root.json"))
    bootstrap = None if known else pathlib.Path(root).read_bytes()
    updater = Updater(dir, url + "/metadata/", bootstrap=bootstrap)
    updater._trusted_set.reference_time = when(now)
    updater.refresh()


def write(dir, targets, expires):
    end = when(expires)
    kinds = [CryptoSigner.generate_rsa, CryptoSigner.generate_ecdsa, CryptoSigner.generate_ed25519]
    keys = {role: [make() for make in kinds] for role in ("root", "targets", "snapshot", "timestamp")}
    metadata = os.path.join(dir, "metadata")
    os.makedirs(metadata)

    root = Metadata(Root(expires=end, consistent_snapshot=True))
    for role, signers in keys.items():
        for s in signers:
            root.signed.add_key(s.public_key, role)
        root.signed.roles[role].threshold = 2
    root.signed.unrecognized_fields["x-note"] = {"a": [1, "ü", None]}

    def save(m, name, signers):
        m.signatures.clear()
        for s in signers:
            m.sign(s, append=True)
        m.to_file(os.path.join(metadata, name))

    save(root, "1.root.json", keys["root"])
    for version in (2, 3):
        old = keys["root"][version - 2]
        new = kinds[version - 2]()
        root.signed.revoke_key(old.public_key.keyid, "root")
        root.signed.add_key(new.public_key, "root")
        root.signed.version = version
        before, keys["root"][version - 2] = list(keys["root"]), new
        save(root, f"{version}.root.json", before + [new])

    listed = Targets(expires=end, version=7)
    for path in sorted(pathlib.Path(targets).rglob("*")):
        if path.is_file():
            name = path.relative_to(targets).as_posix()
            file = TargetFile.from_file(name, str(path), ["sha256", "sha512"])
            listed.targets[name] = file
            out = pathlib.Path(dir, "targets", os.path.dirname(name), file.hashes["sha256"] + "." + os.path.basename(name))
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(path.read_bytes())
    other = CryptoSigner.generate_ed25519()
    listed.delegations = Delegations(
        {other.public_key.keyid: other.public_key},
        {"other": DelegatedRole("other", [other.public_key.keyid], 1, False, paths=["other/*"])},
    )
    save(Metadata(listed), "7.targets.json", keys["targets"])
    save(Metadata(Targets(expires=end)), "1.other.json", [other])
    snapshot = Snapshot(expires=end, version=9, meta={"targets.json": MetaFile(7), "other.json": MetaFile(1)})
    save(Metadata(snapshot), "9.snapshot.json", keys["snapshot"][:2])
    save(Metadata(Timestamp(expires=end, version=11, snapshot_meta=MetaFile(9))), "timestamp.json", keys["timestamp"][1:])


for line in sys.stdin:
    order = json.loads(line)
    try:
        {"refresh": refresh, "write": write}[order.pop("do")](**order)
        answer = {}
    except Exception as e:  # whatever it is, the other side compares
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
