-- What the checks on arrival found about the sender (SPF, DKIM, DMARC, ARC, look-alikes), as JSON.
ALTER TABLE articles ADD COLUMN trust TEXT;
-- The member of staff who took an ignored arrival out of quarantine.
ALTER TABLE inbox ADD COLUMN restored_by TEXT;
CREATE INDEX inbox_ignored ON inbox (id) WHERE outcome = 'ignored';

-- What must happen once: the key of a message at a desk, of a letter to a person, of a mail sent in parts.
CREATE TABLE firsts (
    key TEXT NOT NULL PRIMARY KEY,
    ticket INTEGER NOT NULL REFERENCES tickets (id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

-- Addresses in lower case that mail programs called undeliverable; nothing more is sent to them until staff lift the mark.
CREATE TABLE undeliverable (
    address TEXT NOT NULL PRIMARY KEY,
    marked_at INTEGER NOT NULL,
    why TEXT NOT NULL,
    ticket INTEGER REFERENCES tickets (id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
