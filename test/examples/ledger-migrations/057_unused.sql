-- Columns that nobody read.
ALTER TABLE offering_reviews DROP COLUMN title;
DROP INDEX contracts_offering;
DROP VIEW usage_hourly;
