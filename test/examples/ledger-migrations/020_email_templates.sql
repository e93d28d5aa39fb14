CREATE TABLE email_templates (
  name TEXT NOT NULL,
  locale TEXT NOT NULL DEFAULT 'en' CHECK (locale GLOB '[a-z][a-z]' OR locale GLOB '[a-z][a-z]-[A-Z][A-Z]'),
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (name, locale)
) WITHOUT ROWID;
INSERT INTO email_templates (name, locale, subject, body) VALUES
  ('welcome', 'en', 'Welcome, {{name}}', 'Hello {{name}};' || char(10) || 'it''s good to have you.'),
  ('welcome', 'de', 'Willkommen, {{name}}', 'Grüß dich, {{name}}!'),
  ('welcome', 'pt-BR', 'Bem-vindo', 'Olá {{name}}'),
  ('invoice', 'en', 'Invoice {{number}}', 'You owe {{total}} {{currency}}; pay by {{due}}.'),
  ('contract-started', 'en', 'Your machine is up', 'ssh root@{{host}} -- have fun');
