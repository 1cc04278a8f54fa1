"""The same files as the example read_many, through Python's email package: read_many.py ROUNDS FILE..."""

import email
import email.policy
import sys

rounds, paths = int(sys.argv[1]), sys.argv[2:]
if paths == ["-"]:
    paths = sys.stdin.read().split("\n")
paths = [path for path in paths if path]
count = total = 0
for _ in range(rounds):
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        try:
            message = email.message_from_bytes(content, policy=email.policy.default)
            total += len(str(message["subject"] or ""))
            body = message.get_body(preferencelist=("plain", "html"))
            if body is not None:
                total += len(body.get_content())
            for part in message.iter_attachments():
                total += len(part.get_filename() or "")
                total += len(part.get_payload(decode=True) or b"")
        except Exception:  # it gives up on some damaged messages; they count as read
            pass
        count += 1
print(count, total)
