-- The tables of the desk. Instants (*_at, *_until, not_before) are INTEGER microseconds since 1970 UTC; JSON is TEXT.

-- Arrivals. The raw bytes lie in raw_messages, so that lists and claims never read past them.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    external_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'ended')),
    lease_until INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    content_sha256 TEXT NOT NULL,
    silent INTEGER NOT NULL DEFAULT 0 CHECK (silent IN (0, 1)),
    renumbered INTEGER NOT NULL DEFAULT 0 CHECK (renumbered IN (0, 1)),
    outcome TEXT,
    reason TEXT,
    ticket INTEGER REFERENCES tickets (id) DEFERRABLE INITIALLY DEFERRED,
    evidence TEXT,
    ended_at INTEGER,
    UNIQUE (channel, external_id),
    CHECK ((state = 'ended') = (outcome IS NOT NULL))
) STRICT;
CREATE INDEX inbox_to_claim ON inbox (id) WHERE state <> 'ended';
CREATE INDEX inbox_by_content ON inbox (channel, content_sha256);

CREATE TABLE raw_messages (
    inbox INTEGER PRIMARY KEY REFERENCES inbox (id),
    bytes BLOB NOT NULL
) STRICT;

-- Further ids of an arrival already stored: its server renumbered its messages.
CREATE TABLE inbox_aliases (
    channel TEXT NOT NULL,
    external_id TEXT NOT NULL,
    inbox INTEGER NOT NULL REFERENCES inbox (id),
    PRIMARY KEY (channel, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursors (
    channel TEXT NOT NULL,
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (channel, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Ids come from counters ('ticket'), reserved before the ticket is written.
CREATE TABLE tickets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    desk TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    priority TEXT NOT NULL,
    audience TEXT NOT NULL,
    lang TEXT NOT NULL,
    category TEXT,
    subject TEXT NOT NULL,
    requester_address TEXT NOT NULL,
    requester_name TEXT,
    channel TEXT NOT NULL,
    desk_address TEXT NOT NULL,
    assignee TEXT,
    received_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    first_response_due_at INTEGER NOT NULL,
    first_response_met_at INTEGER,
    first_response_paused_at INTEGER,
    resolution_due_at INTEGER NOT NULL,
    resolution_met_at INTEGER,
    resolution_paused_at INTEGER,
    -- The earliest due instant of a clock that runs; NULL when none does. Lists are sorted by it.
    next_due_at INTEGER,
    merged_into INTEGER REFERENCES tickets (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX tickets_by_due ON tickets (next_due_at, id);
CREATE INDEX tickets_by_state ON tickets (state, next_due_at);
CREATE INDEX tickets_unmet ON tickets (id)
    WHERE first_response_met_at IS NULL OR resolution_met_at IS NULL;

CREATE TABLE ticket_links (
    ticket INTEGER NOT NULL REFERENCES tickets (id),
    position INTEGER NOT NULL,
    linked INTEGER NOT NULL REFERENCES tickets (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (ticket, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket INTEGER NOT NULL REFERENCES tickets (id),
    kind TEXT NOT NULL,
    author TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '',
    reply_text TEXT NOT NULL DEFAULT '',
    message_id TEXT,
    inbox INTEGER REFERENCES inbox (id),
    attachments TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX articles_of_ticket ON articles (ticket, id);

-- What happened. Append-only: the triggers refuse every change.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket INTEGER NOT NULL REFERENCES tickets (id),
    happened_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    change TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_ticket ON events (ticket, id);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TABLE message_ids (
    message_id TEXT NOT NULL,
    ticket INTEGER NOT NULL REFERENCES tickets (id),
    sent_by_desk INTEGER NOT NULL DEFAULT 0 CHECK (sent_by_desk IN (0, 1)),
    PRIMARY KEY (message_id, ticket)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    ticket INTEGER REFERENCES tickets (id),
    purpose TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    -- In lower case, for the caps against loops.
    to_address TEXT NOT NULL,
    automatic INTEGER NOT NULL DEFAULT 0 CHECK (automatic IN (0, 1)),
    message TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    lease_until INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    uncertain_attempts INTEGER NOT NULL DEFAULT 0,
    server_said TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX outbox_to_send ON outbox (id) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_of_ticket ON outbox (ticket, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_by_state ON outbox (state, id);
CREATE INDEX outbox_automatic_to ON outbox (to_address, created_at) WHERE automatic = 1;
CREATE INDEX outbox_automatic_in ON outbox (ticket, created_at) WHERE automatic = 1;
CREATE INDEX outbox_automatic ON outbox (created_at) WHERE automatic = 1;

-- One row an attempt, written before it begins. 'unknown': the process died before the end was written.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    outbox INTEGER NOT NULL REFERENCES outbox (id),
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT NOT NULL DEFAULT 'started'
        CHECK (result IN ('started', 'delivered', 'temporary', 'permanent', 'unknown')),
    server_said TEXT
) STRICT;
CREATE INDEX deliveries_of_outbox ON deliveries (outbox, id);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
