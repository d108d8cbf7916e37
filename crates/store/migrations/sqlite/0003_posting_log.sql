-- posting ----------------------------------------------------------------------------------------
-- The posting log: entry `number` (from 0) is `entry`, its leaf's hash `leaf`. docs/posting-log.md.
CREATE TABLE posting_log (
  number INTEGER PRIMARY KEY,
  posting BLOB NOT NULL UNIQUE,
  entry BLOB NOT NULL,
  leaf BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- The hashes of full tiles: of 256^level leaves each.
CREATE TABLE posting_log_node (
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, number)
) STRICT;

-- note: the signed checkpoint as it is served. frontier: the full subtrees the tree of this size ends in.
CREATE TABLE posting_checkpoint (
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL,
  frontier BLOB NOT NULL,
  note TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- Without the salt an entry says nothing of what hung; it goes with the content.
CREATE TABLE posting_salt (
  posting BLOB PRIMARY KEY,
  batch BLOB NOT NULL REFERENCES batch (id),
  salt BLOB NOT NULL
) STRICT;

CREATE TRIGGER posting_log_kept_update BEFORE UPDATE ON posting_log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_log_kept_delete BEFORE DELETE ON posting_log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_log_node_kept_update BEFORE UPDATE ON posting_log_node BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_log_node_kept_delete BEFORE DELETE ON posting_log_node BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_checkpoint_kept_update BEFORE UPDATE ON posting_checkpoint BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_checkpoint_kept_delete BEFORE DELETE ON posting_checkpoint BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER posting_salt_kept_update BEFORE UPDATE ON posting_salt BEGIN SELECT RAISE(ABORT, 'append-only'); END;

-- One change of a posting is allowed: its content goes, and its fingerprint with it.
DROP TRIGGER posting_kept_update;
CREATE TRIGGER posting_kept_update BEFORE UPDATE ON posting
WHEN NOT (
  length(NEW.body) = 0 AND length(OLD.body) > 0 AND NEW.id IS OLD.id AND NEW.batch IS OLD.batch
  AND NEW.corrects IS OLD.corrects AND NEW.place IS OLD.place AND NEW.contact IS OLD.contact
  AND NEW.from_date IS OLD.from_date AND NEW.to_date IS OLD.to_date AND NEW.days IS OLD.days
  AND NEW.day_kind IS OLD.day_kind AND NEW.rows IS OLD.rows AND NEW.root IS OLD.root
  AND NEW.person IS OLD.person AND NEW.at IS OLD.at AND NEW.log_seal IS OLD.log_seal
  AND NEW.log_head IS OLD.log_head
)
BEGIN SELECT RAISE(ABORT, 'append-only'); END;
