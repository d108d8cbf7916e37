-- The first month: who, where, points, goods, postings. Ids are UUIDv7 unless a comment says derived.
-- Times (…_at) are epoch milliseconds UTC; business dates (…_on, …_date) are YYYY-MM-DD; months are YYYY-MM.
-- `digest` is SHA-256 over the row's own contents (domain::audit::Digest), checked by `siji verify`.

-- access -----------------------------------------------------------------------------------------
CREATE TABLE person (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  phone text,
  unit text,
  login text UNIQUE,
  password text,
  must_change boolean NOT NULL,
  disabled_at bigint,
  created_at bigint NOT NULL
);
CREATE INDEX person_name ON person (name);

CREATE TABLE post (
  id uuid PRIMARY KEY,
  person uuid NOT NULL REFERENCES person (id),
  role text NOT NULL,
  area uuid,
  place uuid,
  from_date text NOT NULL,
  to_date text
);
CREATE INDEX post_person ON post (person);
CREATE INDEX post_area ON post (area, role);

CREATE TABLE session (
  token_hash bytea PRIMARY KEY,
  person uuid NOT NULL REFERENCES person (id),
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX session_person ON session (person);

-- One row for each failed try at a login, counted over a sliding window.
CREATE TABLE login_failure (
  login text NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX login_failure_login ON login_failure (login, at);

-- audit ------------------------------------------------------------------------------------------
-- Every command once, under the key it was sent with: the same key again gives the first answer.
CREATE TABLE command (
  id uuid PRIMARY KEY,
  verb text NOT NULL,
  person uuid,
  subject uuid,
  path text,
  at bigint NOT NULL,
  note text,
  digest bytea NOT NULL
);
CREATE INDEX command_subject ON command (subject);
CREATE INDEX command_at ON command (at);

-- registry ---------------------------------------------------------------------------------------
-- path: three-digit steps joined by dots, '001.002.015'; everything below p is p <= path < p || '/'.
CREATE TABLE area (
  id uuid PRIMARY KEY,
  parent uuid REFERENCES area (id),
  path text NOT NULL UNIQUE,
  kind text NOT NULL,
  name text NOT NULL,
  statutory_code text
);
CREATE INDEX area_parent ON area (parent);

CREATE TABLE household (
  id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  village uuid NOT NULL REFERENCES area (id),
  path text NOT NULL,
  hamlet text,
  head_name text NOT NULL,
  head uuid,
  size bigint NOT NULL,
  graduation text,
  graduated_year bigint,
  poverty_cause text,
  able_to_work boolean NOT NULL,
  housing_grade text,
  water_safe boolean,
  income_fen bigint,
  phone text,
  bank_name text,
  bank_account text,
  search text NOT NULL,
  active boolean NOT NULL,
  changed_at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX household_path ON household (path, number);
-- The list, its count and its search, without touching the rows.
CREATE INDEX household_listed ON household (active, path, number, search, id);
CREATE INDEX household_village ON household (village, number);
CREATE INDEX household_head_name ON household (head_name);

CREATE TABLE member (
  id uuid PRIMARY KEY,
  household uuid NOT NULL REFERENCES household (id),
  number text NOT NULL UNIQUE,
  name text NOT NULL,
  relation text NOT NULL,
  sex text NOT NULL,
  id_kind text NOT NULL,
  citizen_number text UNIQUE,
  born_on text,
  ethnic text,
  political text,
  education text,
  student text,
  health text,
  work_skill text,
  work_area text,
  work_months bigint,
  medical_insurance boolean,
  dibao boolean,
  active boolean NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX member_household ON member (household);
CREATE INDEX member_name ON member (name);

-- Which cadre stands for which household, from when to when.
CREATE TABLE assignment (
  id uuid PRIMARY KEY,
  household uuid NOT NULL REFERENCES household (id),
  person uuid NOT NULL REFERENCES person (id),
  from_date text NOT NULL,
  to_date text
);
CREATE INDEX assignment_person ON assignment (person, household);
CREATE INDEX assignment_household ON assignment (household);

-- Declared kinship; a relative neither settles nor answers for the household.
CREATE TABLE kinship (
  id uuid PRIMARY KEY,
  person uuid NOT NULL REFERENCES person (id),
  household uuid NOT NULL REFERENCES household (id),
  relation text NOT NULL,
  declared_at bigint NOT NULL,
  declared_by uuid NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX kinship_once ON kinship (household, person);
CREATE INDEX kinship_person ON kinship (person);

-- One upload of a workbook: state is reading, checked, refused, applied, failed.
CREATE TABLE import (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  file_name text NOT NULL,
  file_digest bytea NOT NULL,
  file bytea,
  state text NOT NULL,
  person uuid,
  at bigint NOT NULL,
  applied_at bigint,
  report text NOT NULL
);
CREATE INDEX import_at ON import (at);

-- calendar ---------------------------------------------------------------------------------------
CREATE TABLE holiday_year (
  year bigint PRIMARY KEY,
  source text NOT NULL,
  days text NOT NULL,
  digest bytea NOT NULL
);

-- scheme -----------------------------------------------------------------------------------------
CREATE TABLE scheme (
  id uuid PRIMARY KEY,
  code text NOT NULL,
  version bigint NOT NULL,
  title_zh text NOT NULL,
  title_en text NOT NULL,
  definition text NOT NULL,
  created_at bigint NOT NULL,
  created_by uuid,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX scheme_version ON scheme (code, version);

-- An adoption by a meeting; in force from a month on until the next adoption.
CREATE TABLE adoption (
  id uuid PRIMARY KEY,
  scheme uuid NOT NULL REFERENCES scheme (id),
  from_month text NOT NULL UNIQUE,
  resolved_on text NOT NULL,
  resolution_number text NOT NULL,
  resolution_text text NOT NULL,
  person uuid,
  at bigint NOT NULL,
  digest bytea NOT NULL
);

-- rounds -----------------------------------------------------------------------------------------
CREATE TABLE round (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  month text NOT NULL,
  scheme uuid NOT NULL REFERENCES scheme (id),
  visits_from text NOT NULL,
  visits_to text NOT NULL,
  person uuid,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX round_month ON round (kind, month);

-- scoring ----------------------------------------------------------------------------------------
-- state: draft, scored, reviewed, in_publicity, certified, credited
-- officer_sheets, cadre_sheets: how many are in, counted once when scoring closes.
CREATE TABLE batch (
  id uuid PRIMARY KEY,
  round uuid NOT NULL REFERENCES round (id),
  village uuid NOT NULL REFERENCES area (id),
  path text NOT NULL,
  state text NOT NULL,
  households bigint NOT NULL,
  officer_sheets bigint,
  cadre_sheets bigint,
  scored_at bigint,
  reviewed_at bigint,
  posted_at bigint,
  certified_at bigint,
  certified_by uuid,
  credited_at bigint,
  credited_points bigint,
  seal bytea
);
CREATE UNIQUE INDEX batch_round ON batch (round, village);
CREATE INDEX batch_path ON batch (path, state);

-- Frozen when the round opens.
CREATE TABLE roster (
  batch uuid NOT NULL REFERENCES batch (id),
  household uuid NOT NULL REFERENCES household (id),
  position bigint NOT NULL,
  head_name text NOT NULL,
  able_to_work boolean NOT NULL,
  officer uuid,
  cadre uuid,
  PRIMARY KEY (batch, household)
);
CREATE INDEX roster_household ON roster (household);
CREATE INDEX roster_officer ON roster (officer, batch);
CREATE INDEX roster_cadre ON roster (cadre, batch);

-- scorer: assistance_officer or assigned_cadre. scores: 'A1 8;A2 6;A3 - no_session;…' (domain::scoring).
-- A correction is a new row that names the one it replaces; only `current` of a row ever changes.
CREATE TABLE sheet (
  id uuid PRIMARY KEY,
  batch uuid NOT NULL REFERENCES batch (id),
  household uuid NOT NULL,
  scorer text NOT NULL,
  person uuid NOT NULL,
  visited_on text,
  scores text NOT NULL,
  remark text NOT NULL,
  opened_at bigint,
  at bigint NOT NULL,
  replaces uuid,
  current boolean NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX sheet_current ON sheet (batch, household, scorer) WHERE current;
-- How many are in, without touching the rows.
CREATE INDEX sheet_in ON sheet (batch, scorer) WHERE current;
CREATE INDEX sheet_household ON sheet (household, at);
CREATE INDEX sheet_person ON sheet (person, batch);

-- outcome: assessed, not_assessed, suspended. basis: equal, officer, cadre, mixed, objection.
CREATE TABLE settlement (
  id uuid PRIMARY KEY,
  batch uuid NOT NULL REFERENCES batch (id),
  household uuid NOT NULL,
  outcome text NOT NULL,
  basis text NOT NULL,
  scores text NOT NULL,
  sums text NOT NULL,
  total bigint NOT NULL,
  note text NOT NULL,
  person uuid NOT NULL,
  at bigint NOT NULL,
  replaces uuid,
  current boolean NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX settlement_current ON settlement (batch, household) WHERE current;
CREATE INDEX settlement_in ON settlement (batch) WHERE current;
CREATE INDEX settlement_household ON settlement (household, at);

-- posting ----------------------------------------------------------------------------------------
-- body: the exact bytes that hung on the wall; root: their Merkle root. corrects: the posting it amends.
CREATE TABLE posting (
  id uuid PRIMARY KEY,
  batch uuid NOT NULL REFERENCES batch (id),
  corrects uuid,
  place text NOT NULL,
  contact text NOT NULL,
  from_date text NOT NULL,
  to_date text NOT NULL,
  days bigint NOT NULL,
  day_kind text NOT NULL,
  rows bigint NOT NULL,
  body bytea NOT NULL,
  root bytea NOT NULL,
  person uuid NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX posting_batch ON posting (batch);
CREATE INDEX posting_to_date ON posting (to_date);

-- channel: page, phone, paper. state: open, upheld, rejected.
CREATE TABLE objection (
  id uuid PRIMARY KEY,
  code text NOT NULL UNIQUE,
  posting uuid NOT NULL REFERENCES posting (id),
  batch uuid NOT NULL,
  path text NOT NULL,
  household uuid,
  channel text NOT NULL,
  by_name text,
  contact text,
  text text NOT NULL,
  filed_at bigint NOT NULL,
  due_on text NOT NULL,
  recorded_by uuid,
  state text NOT NULL,
  answer text,
  answered_by uuid,
  answered_at bigint,
  settlement uuid,
  digest bytea NOT NULL
);
CREATE INDEX objection_batch ON objection (batch, state);
CREATE INDEX objection_path ON objection (path, state);

-- points: accounts and transfers -----------------------------------------------------------------
-- Account ids are derived from (unit, kind, owner, place): domain::points::Account::id.
CREATE TABLE account (
  id uuid PRIMARY KEY,
  unit uuid NOT NULL,
  kind text NOT NULL,
  owner uuid,
  place uuid,
  debits_posted bigint NOT NULL,
  credits_posted bigint NOT NULL,
  debits_pending bigint NOT NULL,
  credits_pending bigint NOT NULL
);
CREATE INDEX account_owner ON account (owner, kind);
CREATE INDEX account_stock ON account (place, unit) WHERE kind = 'stock';

-- step: posted, hold, post, void. cause_kind: certification, bonus, redemption, reversal, donation, move, write_off.
CREATE TABLE transfer (
  id uuid PRIMARY KEY,
  seq bigint NOT NULL UNIQUE,
  unit uuid NOT NULL,
  step text NOT NULL,
  debit uuid NOT NULL,
  credit uuid NOT NULL,
  amount bigint NOT NULL,
  hold uuid,
  cause_kind text NOT NULL,
  cause uuid NOT NULL,
  on_date text NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX transfer_debit ON transfer (debit, seq);
CREATE INDEX transfer_credit ON transfer (credit, seq);
CREATE INDEX transfer_cause ON transfer (cause);
CREATE INDEX transfer_hold ON transfer (hold) WHERE hold IS NOT NULL;

-- A one-off award outside the monthly hundred.
CREATE TABLE bonus (
  id uuid PRIMARY KEY,
  household uuid NOT NULL REFERENCES household (id),
  event text NOT NULL,
  points bigint NOT NULL,
  document text NOT NULL,
  person uuid NOT NULL,
  on_date text NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX bonus_once ON bonus (household, event);

-- goods ------------------------------------------------------------------------------------------
-- One row for each edition of a good; only `current` of a row ever changes. `goods` stays the same
-- through every edition and is the unit of account of that good.
CREATE TABLE goods (
  id uuid PRIMARY KEY,
  goods uuid NOT NULL,
  sku text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  category text NOT NULL,
  measure text NOT NULL,
  price_fen bigint NOT NULL,
  points bigint NOT NULL,
  limit_month bigint NOT NULL,
  active boolean NOT NULL,
  replaces uuid,
  current boolean NOT NULL,
  person uuid,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE UNIQUE INDEX goods_current ON goods (goods) WHERE current;
CREATE UNIQUE INDEX goods_sku ON goods (sku) WHERE current;

-- A warehouse or a travelling store. area: where its keeper may serve.
CREATE TABLE place (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  name text NOT NULL,
  area uuid NOT NULL REFERENCES area (id),
  path text NOT NULL
);

CREATE TABLE donation (
  id uuid PRIMARY KEY,
  donor text NOT NULL,
  donor_public boolean NOT NULL,
  place uuid NOT NULL REFERENCES place (id),
  received_on text NOT NULL,
  money_fen bigint NOT NULL,
  note text NOT NULL,
  person uuid NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX donation_received ON donation (received_on);

CREATE TABLE lot (
  id uuid PRIMARY KEY,
  donation uuid NOT NULL REFERENCES donation (id),
  goods uuid NOT NULL,
  quantity bigint NOT NULL,
  expires_on text,
  digest bytea NOT NULL
);
CREATE INDEX lot_goods ON lot (goods, expires_on);
CREATE INDEX lot_donation ON lot (donation);

CREATE TABLE market_day (
  id uuid PRIMARY KEY,
  place uuid NOT NULL REFERENCES place (id),
  village uuid NOT NULL REFERENCES area (id),
  path text NOT NULL,
  on_date text NOT NULL,
  spot text NOT NULL,
  person uuid NOT NULL,
  announced_at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX market_day_date ON market_day (on_date, place);
CREATE INDEX market_day_village ON market_day (village, on_date);

-- redemption -------------------------------------------------------------------------------------
CREATE TABLE card (
  id uuid PRIMARY KEY,
  household uuid NOT NULL REFERENCES household (id),
  code text NOT NULL UNIQUE,
  issued_at bigint NOT NULL,
  issued_by uuid NOT NULL,
  frozen_at bigint,
  frozen_reason text,
  digest bytea NOT NULL
);
CREATE INDEX card_household ON card (household);

-- reverses: the redemption this one undoes.
CREATE TABLE redemption (
  id uuid PRIMARY KEY,
  receipt text NOT NULL UNIQUE,
  household uuid NOT NULL REFERENCES household (id),
  card uuid,
  market_day uuid NOT NULL REFERENCES market_day (id),
  place uuid NOT NULL,
  points bigint NOT NULL,
  proxy_name text,
  proxy_relation text,
  reverses uuid,
  reason text,
  person uuid NOT NULL,
  on_date text NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL
);
CREATE INDEX redemption_household ON redemption (household, on_date);
CREATE INDEX redemption_market_day ON redemption (market_day, at, points, reverses);
CREATE UNIQUE INDEX redemption_reversed_once ON redemption (reverses) WHERE reverses IS NOT NULL;

CREATE TABLE redemption_line (
  redemption uuid NOT NULL REFERENCES redemption (id),
  line bigint NOT NULL,
  goods uuid NOT NULL,
  lot uuid NOT NULL,
  quantity bigint NOT NULL,
  points_each bigint NOT NULL,
  PRIMARY KEY (redemption, line)
);
CREATE INDEX redemption_line_goods ON redemption_line (goods);

-- What was written down stays: transfers, postings and commands are never edited or taken away.
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'append-only'; END $$;
CREATE TRIGGER transfer_kept BEFORE UPDATE OR DELETE ON transfer FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_kept BEFORE UPDATE OR DELETE ON posting FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER command_kept BEFORE UPDATE OR DELETE ON command FOR EACH ROW EXECUTE FUNCTION keep_row();
