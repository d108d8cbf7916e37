-- An account's movements are followed back from its newest one: a transfer names, for each of its two
-- accounts, the number of the transfer before it. So a transfer is written behind the last one and
-- nowhere else, and the two indexes by account go. Ids and causes are drawn in the order of time: their
-- indexes grow at the end.
-- last, debit_before, credit_before: numbers of transfers; 0: there is none.
ALTER TABLE account ADD COLUMN last bigint NOT NULL DEFAULT 0;
ALTER TABLE transfer ADD COLUMN debit_before bigint NOT NULL DEFAULT 0;
ALTER TABLE transfer ADD COLUMN credit_before bigint NOT NULL DEFAULT 0;

CREATE TEMP TABLE movement ON COMMIT DROP AS
  SELECT account, seq, LAG(seq, 1, 0::bigint) OVER (PARTITION BY account ORDER BY seq) AS before FROM (
    SELECT debit AS account, seq FROM transfer UNION ALL SELECT credit, seq FROM transfer) AS both_sides;

UPDATE account SET last = m.last
  FROM (SELECT account, MAX(seq) AS last FROM movement GROUP BY account) m WHERE m.account = account.id;
ALTER TABLE transfer DISABLE TRIGGER transfer_kept;
UPDATE transfer SET debit_before = d.before, credit_before = c.before
  FROM movement d, movement c
  WHERE d.account = transfer.debit AND d.seq = transfer.seq
    AND c.account = transfer.credit AND c.seq = transfer.seq;
ALTER TABLE transfer ENABLE TRIGGER transfer_kept;
ALTER TABLE transfer ALTER COLUMN debit_before DROP DEFAULT;
ALTER TABLE transfer ALTER COLUMN credit_before DROP DEFAULT;
DROP TABLE movement;

DROP INDEX transfer_debit;
DROP INDEX transfer_credit;
