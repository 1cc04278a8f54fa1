"""Reads messages with Python's email package: python_email.py ROUNDS FILE… Prints JSON like the example read_many."""

import email
import email.policy
import json
import resource
import sys
import time


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    try:
        body = message.get_body(preferencelist=("plain", "html"))
        if body is not None:
            body.get_content()
        for part in message.iter_attachments():
            part.get_filename()
            part.get_payload(decode=True)
        str(message["subject"]), str(message["from"]), str(message["to"])
    except Exception:  # many real messages are too much for it; the time it took counts all the same
        pass


rounds = int(sys.argv[1])
messages = [open(file, "rb").read() for file in sys.argv[2:]]
begun = time.perf_counter()
for _ in range(rounds):
    for raw in messages:
        read(raw)
print(
    json.dumps(
        {
            "messages": rounds * len(messages),
            "seconds": time.perf_counter() - begun,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
