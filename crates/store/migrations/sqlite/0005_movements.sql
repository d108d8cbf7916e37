-- An account's movements are followed back from its newest one: a transfer names, for each of its two
-- accounts, the number of the transfer before it. So a transfer is written behind the last one and
-- nowhere else, and the two indexes by account go. Ids and causes are drawn in the order of time: their
-- indexes grow at the end.
-- last, debit_before, credit_before: numbers of transfers; 0: there is none.
CREATE TABLE moved_account (
  id BLOB PRIMARY KEY,
  unit BLOB NOT NULL,
  kind TEXT NOT NULL,
  owner BLOB,
  place BLOB,
  debits_posted INTEGER NOT NULL,
  credits_posted INTEGER NOT NULL,
  debits_pending INTEGER NOT NULL,
  credits_pending INTEGER NOT NULL,
  path TEXT NOT NULL DEFAULT '',
  last INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE moved_transfer (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  unit BLOB NOT NULL,
  step TEXT NOT NULL,
  debit BLOB NOT NULL,
  credit BLOB NOT NULL,
  amount INTEGER NOT NULL,
  debit_before INTEGER NOT NULL,
  credit_before INTEGER NOT NULL,
  hold BLOB,
  cause_kind TEXT NOT NULL,
  cause BLOB NOT NULL,
  on_date TEXT NOT NULL,
  at INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;

CREATE TEMP TABLE movement (account BLOB, seq INTEGER, before INTEGER, PRIMARY KEY (account, seq))
  WITHOUT ROWID;
INSERT INTO movement
  SELECT account, seq, LAG(seq, 1, 0) OVER (PARTITION BY account ORDER BY seq) FROM (
    SELECT debit AS account, seq FROM transfer UNION ALL SELECT credit, seq FROM transfer);

INSERT INTO moved_account
  SELECT id, unit, kind, owner, place, debits_posted, credits_posted, debits_pending,
    credits_pending, path,
    COALESCE((SELECT MAX(m.seq) FROM movement m WHERE m.account = account.id), 0)
  FROM account;
INSERT INTO moved_transfer
  SELECT seq, id, unit, step, debit, credit, amount,
    (SELECT m.before FROM movement m WHERE m.account = debit AND m.seq = transfer.seq),
    (SELECT m.before FROM movement m WHERE m.account = credit AND m.seq = transfer.seq),
    hold, cause_kind, cause, on_date, at, digest
  FROM transfer ORDER BY seq;

DROP TABLE temp.movement;
DROP TABLE account;
ALTER TABLE moved_account RENAME TO account;
CREATE INDEX account_owner ON account (owner, kind);
CREATE INDEX account_stock ON account (place, unit) WHERE kind = 'stock';
CREATE INDEX account_path ON account (path) WHERE kind = 'household';
DROP TABLE transfer;
ALTER TABLE moved_transfer RENAME TO transfer;
CREATE INDEX transfer_cause ON transfer (cause);
CREATE INDEX transfer_hold ON transfer (hold) WHERE hold IS NOT NULL;
CREATE TRIGGER transfer_kept_update BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER transfer_kept_delete BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'append-only'); END;
