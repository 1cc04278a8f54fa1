-- Files that came along, by the hash of their content; the content lies outside the database.
CREATE TABLE files (
    sha256 TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    found_type TEXT,
    scan TEXT NOT NULL CHECK (scan IN ('off', 'waiting', 'clean', 'infected')),
    scan_words TEXT,
    kept_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_to_scan ON files (kept_at) WHERE scan = 'waiting';
