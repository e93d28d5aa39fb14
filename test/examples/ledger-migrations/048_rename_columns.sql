ALTER TABLE contracts RENAME COLUMN memo TO requester_memo;
ALTER TABLE providers RENAME COLUMN legal_name TO "legal name";
ALTER TABLE data_centers RENAME TO sites;
ALTER TABLE sites ADD COLUMN "select" TEXT DEFAULT 'a''b';
ALTER TABLE sites ADD COLUMN [odd name] INTEGER DEFAULT -1;
