-- A link is written at the newer ticket and shown at both.
CREATE INDEX ticket_links_linked ON ticket_links (linked);
