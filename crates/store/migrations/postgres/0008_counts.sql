-- What a first page would add up over a whole zone stands with what it is of.
-- households: of an area, those on the register that live right there.
ALTER TABLE area ADD COLUMN households bigint NOT NULL DEFAULT 0;
UPDATE area SET households =
  (SELECT COUNT(*) FROM household h WHERE h.village = area.id AND h.active);
-- redemptions, points: of a market day, what was handed over for and what it cost; reversals taken off.
ALTER TABLE market_day ADD COLUMN redemptions bigint NOT NULL DEFAULT 0;
ALTER TABLE market_day ADD COLUMN points bigint NOT NULL DEFAULT 0;
UPDATE market_day SET
  redemptions = (SELECT COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN 1 ELSE -1 END), 0)
    FROM redemption r WHERE r.market_day = market_day.id),
  points = (SELECT COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN r.points ELSE -r.points END), 0)
    FROM redemption r WHERE r.market_day = market_day.id);

-- A month's sheets are counted without looking each of them up. What the wall asks is only included: as
-- columns to search by it would pass for a way to one household's sheet, and whoever reads a whole village
-- on that way is in the way of all who save there (SERIALIZABLE).
DROP INDEX sheet_in;
CREATE INDEX sheet_in ON sheet (batch, scorer) INCLUDE (path, household) WHERE current;
