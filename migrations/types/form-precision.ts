/**
 * A PostgreSQL type with the precision that a form can write, so that PostgreSQL's own clock gives no more digits than
 * SQLite's side can hold: `timestamp with time zone` in form `epoch-ms` becomes `timestamp(3) with time zone`.
 */
export function withFormPrecision(type: string, form: string | null): string {
  if (form === null || !/^(timestamp|time) /.test(type)) return type;
  return type.replace(/^(timestamp|time)/, (word) => `${word}(${digitsOf(form)})`);
}

function digitsOf(form: string): 0 | 3 | 6 {
  const plain = form.replace(/ mixed$/, '');
  if (plain.endsWith('-us') || plain === 'epoch-s-real') return 6;
  return plain.endsWith('-ms') || plain === 'sequelize' || plain === 'julian-day' ? 3 : 0;
}
