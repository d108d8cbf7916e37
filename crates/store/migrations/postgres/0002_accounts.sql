-- access -----------------------------------------------------------------------------------------
-- password_at: when the password was set. totp: the second factor's secret, sealed; totp_step: the
-- last time step a code was taken of, none while the secret is not confirmed. subject: who the person
-- is at the zone's OpenID provider.
ALTER TABLE person ADD COLUMN password_at bigint;
ALTER TABLE person ADD COLUMN signed_in_at bigint;
ALTER TABLE person ADD COLUMN totp bytea;
ALTER TABLE person ADD COLUMN totp_step bigint;
ALTER TABLE person ADD COLUMN subject text;
CREATE UNIQUE INDEX person_subject ON person (subject);

-- factor: none, asked (the password was right, the code is still to come), shown.
DROP TABLE session;
CREATE TABLE session (
  token_hash bytea PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  person uuid NOT NULL REFERENCES person (id),
  factor text NOT NULL,
  device text NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX session_person ON session (person);

-- One row for each failed try at a login, counted over a sliding window. source: the keyed hash of
-- where it came from, a browser that has signed in before or an address.
DROP TABLE login_failure;
CREATE TABLE login_failure (
  login text NOT NULL,
  source bytea NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX login_failure_login ON login_failure (login, at);
CREATE INDEX login_failure_source ON login_failure (source, at);

-- Browsers in which somebody has signed in: what strangers try elsewhere does not shut them out.
CREATE TABLE known_browser (
  hash bytea PRIMARY KEY,
  person uuid NOT NULL REFERENCES person (id),
  seen_at bigint NOT NULL
);
CREATE INDEX known_browser_person ON known_browser (person);

-- Codes that let somebody set a password once. kind: first (of a new zone, for nobody yet), invite,
-- reset.
CREATE TABLE one_time_code (
  hash bytea PRIMARY KEY,
  person uuid REFERENCES person (id),
  kind text NOT NULL,
  made_by uuid,
  made_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint
);
CREATE INDEX one_time_code_person ON one_time_code (person);

-- For the day the telephone is lost; each good once.
CREATE TABLE recovery_code (
  hash bytea PRIMARY KEY,
  person uuid NOT NULL REFERENCES person (id),
  used_at bigint
);
CREATE INDEX recovery_code_person ON recovery_code (person);

CREATE TABLE former_password (
  person uuid NOT NULL REFERENCES person (id),
  password text NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX former_password_person ON former_password (person, at);

-- What a zone has chosen: password_profile (asvs, dengbao3), second_factor (required, offered).
CREATE TABLE setting (
  name text PRIMARY KEY,
  value text NOT NULL
);
