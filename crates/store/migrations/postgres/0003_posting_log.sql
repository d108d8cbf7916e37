-- posting ----------------------------------------------------------------------------------------
-- The posting log: entry `number` (from 0) is `entry`, its leaf's hash `leaf`. docs/posting-log.md.
CREATE TABLE posting_log (
  number bigint PRIMARY KEY,
  posting uuid NOT NULL UNIQUE,
  entry bytea NOT NULL,
  leaf bytea NOT NULL,
  at bigint NOT NULL
);

-- The hashes of full tiles: of 256^level leaves each.
CREATE TABLE posting_log_node (
  level bigint NOT NULL,
  number bigint NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (level, number)
);

-- note: the signed checkpoint as it is served. frontier: the full subtrees the tree of this size ends in.
CREATE TABLE posting_checkpoint (
  size bigint PRIMARY KEY,
  root bytea NOT NULL,
  frontier bytea NOT NULL,
  note text NOT NULL,
  at bigint NOT NULL
);

-- Without the salt an entry says nothing of what hung; it goes with the content.
CREATE TABLE posting_salt (
  posting uuid PRIMARY KEY,
  batch uuid NOT NULL REFERENCES batch (id),
  salt bytea NOT NULL
);

CREATE TRIGGER posting_log_kept BEFORE UPDATE OR DELETE ON posting_log FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_log_node_kept BEFORE UPDATE OR DELETE ON posting_log_node FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_checkpoint_kept BEFORE UPDATE OR DELETE ON posting_checkpoint FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_salt_kept BEFORE UPDATE ON posting_salt FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_log_kept_whole BEFORE TRUNCATE ON posting_log FOR EACH STATEMENT EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_log_node_kept_whole BEFORE TRUNCATE ON posting_log_node FOR EACH STATEMENT EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_checkpoint_kept_whole BEFORE TRUNCATE ON posting_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION keep_row();

-- One change of a posting is allowed: its content goes, and its fingerprint with it.
DROP TRIGGER posting_kept ON posting;
CREATE TRIGGER posting_kept_delete BEFORE DELETE ON posting FOR EACH ROW EXECUTE FUNCTION keep_row();
CREATE TRIGGER posting_kept_update BEFORE UPDATE ON posting FOR EACH ROW
WHEN (NOT (
  length(NEW.body) = 0 AND length(OLD.body) > 0
  AND (NEW.id, NEW.batch, NEW.place, NEW.contact, NEW.from_date, NEW.to_date, NEW.days, NEW.day_kind)
    = (OLD.id, OLD.batch, OLD.place, OLD.contact, OLD.from_date, OLD.to_date, OLD.days, OLD.day_kind)
  AND (NEW.rows, NEW.root, NEW.person, NEW.at, NEW.log_seal, NEW.log_head)
    = (OLD.rows, OLD.root, OLD.person, OLD.at, OLD.log_seal, OLD.log_head)
  AND NEW.corrects IS NOT DISTINCT FROM OLD.corrects
))
EXECUTE FUNCTION keep_row();
