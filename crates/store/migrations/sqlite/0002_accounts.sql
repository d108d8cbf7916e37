-- access -----------------------------------------------------------------------------------------
-- password_at: when the password was set. totp: the second factor's secret, sealed; totp_step: the
-- last time step a code was taken of, none while the secret is not confirmed. subject: who the person
-- is at the zone's OpenID provider.
ALTER TABLE person ADD COLUMN password_at INTEGER;
ALTER TABLE person ADD COLUMN signed_in_at INTEGER;
ALTER TABLE person ADD COLUMN totp BLOB;
ALTER TABLE person ADD COLUMN totp_step INTEGER;
ALTER TABLE person ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX person_subject ON person (subject);

-- factor: none, asked (the password was right, the code is still to come), shown.
DROP TABLE session;
CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  person BLOB NOT NULL REFERENCES person (id),
  factor TEXT NOT NULL,
  device TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_person ON session (person);

-- One row for each failed try at a login, counted over a sliding window. source: the keyed hash of
-- where it came from, a browser that has signed in before or an address.
DROP TABLE login_failure;
CREATE TABLE login_failure (
  login TEXT NOT NULL,
  source BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failure_login ON login_failure (login, at);
CREATE INDEX login_failure_source ON login_failure (source, at);

-- Browsers in which somebody has signed in: what strangers try elsewhere does not shut them out.
CREATE TABLE known_browser (
  hash BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX known_browser_person ON known_browser (person);

-- Codes that let somebody set a password once. kind: first (of a new zone, for nobody yet), invite,
-- reset.
CREATE TABLE one_time_code (
  hash BLOB PRIMARY KEY,
  person BLOB REFERENCES person (id),
  kind TEXT NOT NULL,
  made_by BLOB,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX one_time_code_person ON one_time_code (person);

-- For the day the telephone is lost; each good once.
CREATE TABLE recovery_code (
  hash BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  used_at INTEGER
) STRICT;
CREATE INDEX recovery_code_person ON recovery_code (person);

CREATE TABLE former_password (
  person BLOB NOT NULL REFERENCES person (id),
  password TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX former_password_person ON former_password (person, at);

-- What a zone has chosen: password_profile (asvs, dengbao3), second_factor (required, offered).
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
