-- The first month: who, where, points, goods, postings. Ids are UUIDv7 unless a comment says derived.
-- Times (…_at) are epoch milliseconds UTC; business dates (…_on, …_date) are YYYY-MM-DD; months are YYYY-MM.
-- `digest` is SHA-256 over the row's own contents (domain::audit::Digest), checked by `siji verify`.
-- Columns listed in crates/store/src/sealed.rs hold sealed values; in their tables the digest is keyed.

-- access -----------------------------------------------------------------------------------------
CREATE TABLE person (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  phone BLOB,
  unit TEXT,
  login TEXT UNIQUE,
  password TEXT,
  must_change INTEGER NOT NULL,
  disabled_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX person_name ON person (name);

CREATE TABLE post (
  id BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  role TEXT NOT NULL,
  area BLOB,
  place BLOB,
  from_date TEXT NOT NULL,
  to_date TEXT
) STRICT;
CREATE INDEX post_person ON post (person);
CREATE INDEX post_area ON post (area, role);

CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_person ON session (person);

-- One row for each failed try at a login, counted over a sliding window.
CREATE TABLE login_failure (
  login TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failure_login ON login_failure (login, at);

-- audit ------------------------------------------------------------------------------------------
-- The log: everything that was done, refused, revealed and taken out, one line each, never changed.
-- kind: command, refusal, reveal, export, print, login, logout. A command stands under the key it was
-- sent with: the same key again gives the first answer; `asked` is the fingerprint of its content.
-- code: done, the refusal's code, or the revealed field. rows: of an export.
CREATE TABLE audit_log (
  seq INTEGER PRIMARY KEY,
  key BLOB,
  at INTEGER NOT NULL,
  person BLOB,
  kind TEXT NOT NULL,
  verb TEXT NOT NULL,
  subject BLOB,
  household BLOB,
  path TEXT,
  code TEXT NOT NULL,
  rows INTEGER,
  note TEXT,
  asked BLOB,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_log_key ON audit_log (key) WHERE key IS NOT NULL;
CREATE INDEX audit_log_at ON audit_log (at);
CREATE INDEX audit_log_person ON audit_log (person, seq);
CREATE INDEX audit_log_verb ON audit_log (verb, seq);
CREATE INDEX audit_log_household ON audit_log (household, seq) WHERE household IS NOT NULL;
CREATE INDEX audit_log_path ON audit_log (path, seq) WHERE path IS NOT NULL;
CREATE INDEX audit_log_kind ON audit_log (kind, seq) WHERE kind <> 'command';

-- Lines that no seal covers yet: filled with the log, emptied by the sealer.
CREATE TABLE audit_open (
  seq INTEGER PRIMARY KEY
) STRICT;

-- Lines linked to all before them, some at once. links: (seq, digest) of each, 8 + 32 bytes; head:
-- SHA-256 over them and the head before (domain::audit::chain).
CREATE TABLE audit_seal (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  links BLOB NOT NULL,
  head BLOB NOT NULL
) STRICT;
CREATE INDEX audit_seal_at ON audit_seal (at);

-- keys -------------------------------------------------------------------------------------------
-- What the zone's keys are known by (a hash under each key, never a key): seal <id>, find, fingerprint.
CREATE TABLE key_proof (
  name TEXT PRIMARY KEY,
  proof BLOB NOT NULL
) STRICT;

-- registry ---------------------------------------------------------------------------------------
-- path: three-digit steps joined by dots, '001.002.015'; everything below p is p <= path < p || '/'.
CREATE TABLE area (
  id BLOB PRIMARY KEY,
  parent BLOB REFERENCES area (id),
  path TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  statutory_code TEXT
) STRICT;
CREATE INDEX area_parent ON area (parent);

CREATE TABLE household (
  id BLOB PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  village BLOB NOT NULL REFERENCES area (id),
  path TEXT NOT NULL,
  hamlet TEXT,
  head_name TEXT NOT NULL,
  head BLOB,
  size INTEGER NOT NULL,
  graduation TEXT,
  graduated_year INTEGER,
  poverty_cause BLOB,
  able_to_work INTEGER NOT NULL,
  housing_grade TEXT,
  water_safe INTEGER,
  income_fen BLOB,
  phone BLOB,
  bank_name BLOB,
  bank_account BLOB,
  search TEXT NOT NULL,
  active INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX household_path ON household (path, number);
-- The list, its count and its search, without touching the rows.
CREATE INDEX household_listed ON household (active, path, number, search, id);
CREATE INDEX household_village ON household (village, number);
CREATE INDEX household_head_name ON household (head_name);

CREATE TABLE member (
  id BLOB PRIMARY KEY,
  household BLOB NOT NULL REFERENCES household (id),
  number TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  relation TEXT NOT NULL,
  sex TEXT NOT NULL,
  id_kind TEXT NOT NULL,
  citizen_number BLOB,
  citizen_hash BLOB UNIQUE,
  born_on TEXT,
  ethnic TEXT,
  political TEXT,
  education TEXT,
  student TEXT,
  health BLOB,
  work_skill TEXT,
  work_area TEXT,
  work_months INTEGER,
  medical_insurance INTEGER,
  dibao INTEGER,
  active INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX member_household ON member (household);
CREATE INDEX member_name ON member (name);

-- Which cadre stands for which household, from when to when.
CREATE TABLE assignment (
  id BLOB PRIMARY KEY,
  household BLOB NOT NULL REFERENCES household (id),
  person BLOB NOT NULL REFERENCES person (id),
  from_date TEXT NOT NULL,
  to_date TEXT
) STRICT;
CREATE INDEX assignment_person ON assignment (person, household);
CREATE INDEX assignment_household ON assignment (household);

-- Declared kinship; a relative neither settles nor answers for the household.
CREATE TABLE kinship (
  id BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  household BLOB NOT NULL REFERENCES household (id),
  relation TEXT NOT NULL,
  declared_at INTEGER NOT NULL,
  declared_by BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kinship_once ON kinship (household, person);
CREATE INDEX kinship_person ON kinship (person);

-- One upload of a workbook: state is reading, checked, refused, applied, failed.
CREATE TABLE import (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  file_name TEXT NOT NULL,
  file_digest BLOB NOT NULL,
  file BLOB,
  state TEXT NOT NULL,
  person BLOB,
  at INTEGER NOT NULL,
  applied_at INTEGER,
  report BLOB NOT NULL
) STRICT;
CREATE INDEX import_at ON import (at);

-- privacy ----------------------------------------------------------------------------------------
-- A list with sealed values that somebody wants to take out. columns: codes with a space between them.
-- state: asked, allowed, declined.
CREATE TABLE takeout (
  id BLOB PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (id),
  path TEXT NOT NULL,
  columns TEXT NOT NULL,
  reason TEXT NOT NULL,
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  decided_by BLOB,
  decided_at INTEGER,
  answer TEXT
) STRICT;
CREATE INDEX takeout_at ON takeout (at, id);

-- calendar ---------------------------------------------------------------------------------------
CREATE TABLE holiday_year (
  year INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  days TEXT NOT NULL,
  digest BLOB NOT NULL
) STRICT;

-- scheme -----------------------------------------------------------------------------------------
CREATE TABLE scheme (
  id BLOB PRIMARY KEY,
  code TEXT NOT NULL,
  version INTEGER NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  definition TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by BLOB,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX scheme_version ON scheme (code, version);

-- An adoption by a meeting; in force from a month on until the next adoption.
CREATE TABLE adoption (
  id BLOB PRIMARY KEY,
  scheme BLOB NOT NULL REFERENCES scheme (id),
  from_month TEXT NOT NULL UNIQUE,
  resolved_on TEXT NOT NULL,
  resolution_number TEXT NOT NULL,
  resolution_text TEXT NOT NULL,
  person BLOB,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;

-- rounds -----------------------------------------------------------------------------------------
CREATE TABLE round (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  month TEXT NOT NULL,
  scheme BLOB NOT NULL REFERENCES scheme (id),
  visits_from TEXT NOT NULL,
  visits_to TEXT NOT NULL,
  person BLOB,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX round_month ON round (kind, month);

-- scoring ----------------------------------------------------------------------------------------
-- state: draft, scored, reviewed, in_publicity, certified, credited
-- officer_sheets, cadre_sheets: how many are in, counted once when scoring closes.
CREATE TABLE batch (
  id BLOB PRIMARY KEY,
  round BLOB NOT NULL REFERENCES round (id),
  village BLOB NOT NULL REFERENCES area (id),
  path TEXT NOT NULL,
  state TEXT NOT NULL,
  households INTEGER NOT NULL,
  officer_sheets INTEGER,
  cadre_sheets INTEGER,
  scored_at INTEGER,
  reviewed_at INTEGER,
  posted_at INTEGER,
  certified_at INTEGER,
  certified_by BLOB,
  credited_at INTEGER,
  credited_points INTEGER,
  seal BLOB
) STRICT;
CREATE UNIQUE INDEX batch_round ON batch (round, village);
CREATE INDEX batch_path ON batch (path, state);

-- Frozen when the round opens.
CREATE TABLE roster (
  batch BLOB NOT NULL REFERENCES batch (id),
  household BLOB NOT NULL REFERENCES household (id),
  position INTEGER NOT NULL,
  head_name TEXT NOT NULL,
  able_to_work INTEGER NOT NULL,
  officer BLOB,
  cadre BLOB,
  PRIMARY KEY (batch, household)
) STRICT;
CREATE INDEX roster_household ON roster (household);
CREATE INDEX roster_officer ON roster (officer, batch);
CREATE INDEX roster_cadre ON roster (cadre, batch);

-- scorer: assistance_officer or assigned_cadre. scores: 'A1 8;A2 6;A3 - no_session;…' (domain::scoring).
-- A correction is a new row that names the one it replaces; only `current` of a row ever changes.
CREATE TABLE sheet (
  id BLOB PRIMARY KEY,
  batch BLOB NOT NULL REFERENCES batch (id),
  household BLOB NOT NULL,
  scorer TEXT NOT NULL,
  person BLOB NOT NULL,
  visited_on TEXT,
  scores TEXT NOT NULL,
  remark TEXT NOT NULL,
  opened_at INTEGER,
  at INTEGER NOT NULL,
  replaces BLOB,
  current INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX sheet_current ON sheet (batch, household, scorer) WHERE current;
-- How many are in, without touching the rows.
CREATE INDEX sheet_in ON sheet (batch, scorer) WHERE current;
CREATE INDEX sheet_household ON sheet (household, at);
CREATE INDEX sheet_person ON sheet (person, batch);

-- outcome: assessed, not_assessed, suspended. basis: equal, officer, cadre, mixed, objection.
CREATE TABLE settlement (
  id BLOB PRIMARY KEY,
  batch BLOB NOT NULL REFERENCES batch (id),
  household BLOB NOT NULL,
  outcome TEXT NOT NULL,
  basis TEXT NOT NULL,
  scores TEXT NOT NULL,
  sums TEXT NOT NULL,
  total INTEGER NOT NULL,
  note TEXT NOT NULL,
  person BLOB NOT NULL,
  at INTEGER NOT NULL,
  replaces BLOB,
  current INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX settlement_current ON settlement (batch, household) WHERE current;
CREATE INDEX settlement_in ON settlement (batch) WHERE current;
CREATE INDEX settlement_household ON settlement (household, at);

-- posting ----------------------------------------------------------------------------------------
-- body: the exact bytes that hung on the wall; root: their Merkle root. corrects: the posting it amends.
CREATE TABLE posting (
  id BLOB PRIMARY KEY,
  batch BLOB NOT NULL REFERENCES batch (id),
  corrects BLOB,
  place TEXT NOT NULL,
  contact TEXT NOT NULL,
  from_date TEXT NOT NULL,
  to_date TEXT NOT NULL,
  days INTEGER NOT NULL,
  day_kind TEXT NOT NULL,
  rows INTEGER NOT NULL,
  body BLOB NOT NULL,
  root BLOB NOT NULL,
  person BLOB NOT NULL,
  at INTEGER NOT NULL,
  log_seal INTEGER NOT NULL,
  log_head BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX posting_batch ON posting (batch);
CREATE INDEX posting_to_date ON posting (to_date);

-- channel: page, phone, paper. state: open, upheld, rejected.
CREATE TABLE objection (
  id BLOB PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  posting BLOB NOT NULL REFERENCES posting (id),
  batch BLOB NOT NULL,
  path TEXT NOT NULL,
  household BLOB,
  channel TEXT NOT NULL,
  by_name BLOB,
  contact BLOB,
  text TEXT NOT NULL,
  filed_at INTEGER NOT NULL,
  due_on TEXT NOT NULL,
  recorded_by BLOB,
  state TEXT NOT NULL,
  answer TEXT,
  answered_by BLOB,
  answered_at INTEGER,
  settlement BLOB,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX objection_batch ON objection (batch, state);
CREATE INDEX objection_path ON objection (path, state);

-- points: accounts and transfers -----------------------------------------------------------------
-- Account ids are derived from (unit, kind, owner, place): domain::points::Account::id.
CREATE TABLE account (
  id BLOB PRIMARY KEY,
  unit BLOB NOT NULL,
  kind TEXT NOT NULL,
  owner BLOB,
  place BLOB,
  debits_posted INTEGER NOT NULL,
  credits_posted INTEGER NOT NULL,
  debits_pending INTEGER NOT NULL,
  credits_pending INTEGER NOT NULL
) STRICT;
CREATE INDEX account_owner ON account (owner, kind);
CREATE INDEX account_stock ON account (place, unit) WHERE kind = 'stock';

-- step: posted, hold, post, void. cause_kind: certification, bonus, redemption, reversal, donation, move, write_off.
CREATE TABLE transfer (
  id BLOB PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE,
  unit BLOB NOT NULL,
  step TEXT NOT NULL,
  debit BLOB NOT NULL,
  credit BLOB NOT NULL,
  amount INTEGER NOT NULL,
  hold BLOB,
  cause_kind TEXT NOT NULL,
  cause BLOB NOT NULL,
  on_date TEXT NOT NULL,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX transfer_debit ON transfer (debit, seq);
CREATE INDEX transfer_credit ON transfer (credit, seq);
CREATE INDEX transfer_cause ON transfer (cause);
CREATE INDEX transfer_hold ON transfer (hold) WHERE hold IS NOT NULL;

-- A one-off award outside the monthly hundred.
CREATE TABLE bonus (
  id BLOB PRIMARY KEY,
  household BLOB NOT NULL REFERENCES household (id),
  event TEXT NOT NULL,
  points INTEGER NOT NULL,
  document TEXT NOT NULL,
  person BLOB NOT NULL,
  on_date TEXT NOT NULL,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX bonus_once ON bonus (household, event);

-- goods ------------------------------------------------------------------------------------------
-- One row for each edition of a good; only `current` of a row ever changes. `goods` stays the same
-- through every edition and is the unit of account of that good.
CREATE TABLE goods (
  id BLOB PRIMARY KEY,
  goods BLOB NOT NULL,
  sku TEXT NOT NULL,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  category TEXT NOT NULL,
  measure TEXT NOT NULL,
  price_fen INTEGER NOT NULL,
  points INTEGER NOT NULL,
  limit_month INTEGER NOT NULL,
  active INTEGER NOT NULL,
  replaces BLOB,
  current INTEGER NOT NULL,
  person BLOB,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX goods_current ON goods (goods) WHERE current;
CREATE UNIQUE INDEX goods_sku ON goods (sku) WHERE current;

-- A warehouse or a travelling store. area: where its keeper may serve.
CREATE TABLE place (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  area BLOB NOT NULL REFERENCES area (id),
  path TEXT NOT NULL
) STRICT;

CREATE TABLE donation (
  id BLOB PRIMARY KEY,
  donor TEXT NOT NULL,
  donor_public INTEGER NOT NULL,
  place BLOB NOT NULL REFERENCES place (id),
  received_on TEXT NOT NULL,
  money_fen INTEGER NOT NULL,
  note TEXT NOT NULL,
  person BLOB NOT NULL,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX donation_received ON donation (received_on);

CREATE TABLE lot (
  id BLOB PRIMARY KEY,
  donation BLOB NOT NULL REFERENCES donation (id),
  goods BLOB NOT NULL,
  quantity INTEGER NOT NULL,
  expires_on TEXT,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX lot_goods ON lot (goods, expires_on);
CREATE INDEX lot_donation ON lot (donation);

CREATE TABLE market_day (
  id BLOB PRIMARY KEY,
  place BLOB NOT NULL REFERENCES place (id),
  village BLOB NOT NULL REFERENCES area (id),
  path TEXT NOT NULL,
  on_date TEXT NOT NULL,
  spot TEXT NOT NULL,
  person BLOB NOT NULL,
  announced_at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX market_day_date ON market_day (on_date, place);
CREATE INDEX market_day_village ON market_day (village, on_date);

-- redemption -------------------------------------------------------------------------------------
CREATE TABLE card (
  id BLOB PRIMARY KEY,
  household BLOB NOT NULL REFERENCES household (id),
  code TEXT NOT NULL UNIQUE,
  issued_at INTEGER NOT NULL,
  issued_by BLOB NOT NULL,
  frozen_at INTEGER,
  frozen_reason TEXT,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX card_household ON card (household);

-- reverses: the redemption this one undoes.
CREATE TABLE redemption (
  id BLOB PRIMARY KEY,
  receipt TEXT NOT NULL UNIQUE,
  household BLOB NOT NULL REFERENCES household (id),
  card BLOB,
  market_day BLOB NOT NULL REFERENCES market_day (id),
  place BLOB NOT NULL,
  points INTEGER NOT NULL,
  proxy_name BLOB,
  proxy_relation TEXT,
  reverses BLOB,
  reason TEXT,
  person BLOB NOT NULL,
  on_date TEXT NOT NULL,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;
CREATE INDEX redemption_household ON redemption (household, on_date);
CREATE INDEX redemption_market_day ON redemption (market_day, at, points, reverses);
CREATE UNIQUE INDEX redemption_reversed_once ON redemption (reverses) WHERE reverses IS NOT NULL;

CREATE TABLE redemption_line (
  redemption BLOB NOT NULL REFERENCES redemption (id),
  line INTEGER NOT NULL,
  goods BLOB NOT NULL,
  lot BLOB NOT NULL,
  quantity INTEGER NOT NULL,
  points_each INTEGER NOT NULL,
  PRIMARY KEY (redemption, line)
) STRICT;
CREATE INDEX redemption_line_goods ON redemption_line (goods);

-- What was written down stays: transfers, postings and the log are never edited or taken away.
CREATE TRIGGER transfer_kept_update BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER transfer_kept_delete BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_kept_update BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_kept_delete BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER audit_log_kept_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER audit_log_kept_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER audit_seal_kept_update BEFORE UPDATE ON audit_seal BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER audit_seal_kept_delete BEFORE DELETE ON audit_seal BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER audit_log_waits AFTER INSERT ON audit_log BEGIN INSERT INTO audit_open (seq) VALUES (NEW.seq); END;
