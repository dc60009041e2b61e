"""The table of forms, read by the reader of e-mails that Python brings: what the gate accepts, both read alike."""

import email.parser
import email.policy
import json

import pytest
from conftest import ROOT

TABLE = json.loads((ROOT / "crates/wire/tests/fixtures/forms.json").read_text())
ACCEPTED = [row for row in TABLE if row["parts"] is not None]


def read(row):
    head = f"Content-Type: {row['content_type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head + row["body"].encode())
    assert message.is_multipart() and not message.defects, message.defects
    parts = []
    for part in message.get_payload():
        assert not part.defects, part.defects
        # Bytes beyond ASCII are UTF-8 in forms.
        raw = {name.lower(): value for name, value in part.raw_items()}["content-disposition"]
        part.replace_header("content-disposition", raw.encode("utf-8", "surrogateescape").decode())
        name, file_name = (part.get_param(word, header="content-disposition") for word in ("name", "filename"))
        media_type = part.get_content_type() if "content-type" in part else None
        parts.append({"name": name, "file_name": file_name, "media_type": media_type, "content": part.get_payload(decode=True).decode()})
    return parts


@pytest.mark.parametrize("row", ACCEPTED, ids=[row["name"] for row in ACCEPTED])
def test_accepted_forms_are_read_alike(row):
    assert read(row) == row["parts"]
