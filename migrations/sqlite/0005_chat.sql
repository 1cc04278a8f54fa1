-- A conversation finds its ticket by who writes in it.
CREATE INDEX tickets_of_requester ON tickets (channel, requester_address, id);
