CREATE VIEW region_paths AS
WITH RECURSIVE tree (id, path, depth) AS (
  SELECT id, slug, 0 FROM regions WHERE parent_id IS NULL
  UNION ALL
  SELECT r.id, tree.path || '/' || r.slug, tree.depth + 1 FROM regions r JOIN tree ON r.parent_id = tree.id
)
SELECT id, path, depth FROM tree;
