CREATE TABLE machine_types (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE COLLATE NOCASE,
  cores INT NOT NULL CHECK (cores > 0),
  memory_mb INT NOT NULL CHECK (memory_mb >= 256 AND memory_mb % 256 = 0),
  disk_gb INT NOT NULL DEFAULT 0,
  gpu TEXT,
  memory_gb REAL GENERATED ALWAYS AS (memory_mb / 1024.0) VIRTUAL,
  label TEXT GENERATED ALWAYS AS (cores || ' cores, ' || (memory_mb / 1024) || ' GB') STORED
);
INSERT INTO machine_types (id, code, cores, memory_mb, disk_gb, gpu) VALUES
  (1, 'nano', 1, 512, 10, NULL), (2, 'micro', 1, 1024, 20, NULL), (3, 'small', 2, 4096, 40, NULL),
  (4, 'medium', 4, 8192, 80, NULL), (5, 'large', 8, 32768, 240, NULL), (6, 'huge', 64, 524288, 4000, NULL),
  (7, 'gpu-1', 16, 131072, 1000, 'A100'), (8, 'gpu-8', 128, 1048576, 16000, 'H100');
