-- path: where the row lies, a copy of its batch's, or of its household's for an account and a
-- redemption; empty for accounts of no household. The wall asks it of every row it shows, and must not look elsewhere.
ALTER TABLE roster ADD COLUMN path text NOT NULL DEFAULT '';
ALTER TABLE roster ALTER COLUMN path TYPE text COLLATE "C";
UPDATE roster SET path = (SELECT b.path FROM batch b WHERE b.id = roster.batch);
ALTER TABLE sheet ADD COLUMN path text NOT NULL DEFAULT '';
ALTER TABLE sheet ALTER COLUMN path TYPE text COLLATE "C";
UPDATE sheet SET path = (SELECT b.path FROM batch b WHERE b.id = sheet.batch);
ALTER TABLE settlement ADD COLUMN path text NOT NULL DEFAULT '';
ALTER TABLE settlement ALTER COLUMN path TYPE text COLLATE "C";
UPDATE settlement SET path = (SELECT b.path FROM batch b WHERE b.id = settlement.batch);
ALTER TABLE account ADD COLUMN path text NOT NULL DEFAULT '';
ALTER TABLE account ALTER COLUMN path TYPE text COLLATE "C";
UPDATE account SET path = (SELECT h.path FROM household h WHERE h.id = account.owner)
  WHERE kind = 'household';
CREATE INDEX account_path ON account (path) WHERE kind = 'household';
ALTER TABLE redemption ADD COLUMN path text NOT NULL DEFAULT '';
ALTER TABLE redemption ALTER COLUMN path TYPE text COLLATE "C";
UPDATE redemption SET path = (SELECT h.path FROM household h WHERE h.id = redemption.household);
CREATE INDEX redemption_path ON redemption (path, reverses, points);

-- A village's households are counted without looking each of them up.
DROP INDEX household_path;
CREATE INDEX household_path ON household (path, number, id);
