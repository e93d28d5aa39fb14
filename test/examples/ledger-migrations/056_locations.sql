CREATE VIRTUAL TABLE site_locations USING rtree(id, min_lat, max_lat, min_lon, max_lon);
INSERT INTO site_locations SELECT id, latitude, latitude, longitude, longitude FROM sites;
