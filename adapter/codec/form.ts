/**
 * The forms in which SQLite may hold the values of a PostgreSQL type, by the type's name without a modifier. The first is
 * what a column has that declares none.
 *
 * SQLite has no type for a moment or a UUID, so each application chose a way to write one. A column of PostgreSQL's such
 * type says nothing about that way; without it the way back to SQLite could not end at the value it began with. It is
 * declared once, in a comment on PostgreSQL's column ({@link formComment}), and so travels with the schema.
 */
const PLAIN_FORMS = {
  'timestamp with time zone': [
    'datetime',
    'datetime-ms',
    'datetime-us',
    'datetime-offset',
    'datetime-offset-ms',
    'datetime-offset-us',
    'sequelize',
    'iso',
    'iso-ms',
    'iso-us',
    'iso-local',
    'iso-local-ms',
    'iso-local-us',
    'iso-offset',
    'iso-offset-ms',
    'iso-offset-us',
    'epoch-s',
    'epoch-ms',
    'epoch-us',
    'epoch-s-real',
    'julian-day',
  ],
  date: ['date'],
  'time without time zone': ['time', 'time-ms', 'time-us', 'time-min'],
  uuid: ['uuid', 'uuid-upper', 'uuid-hex', 'uuid-blob'],
  jsonb: ['json', 'json-exact'],
  character: ['trimmed', 'padded'],
} as const;

type Plain = typeof PLAIN_FORMS;

/** How SQLite writes a moment. All are in UTC, and text counts years from 0000 to 9999, as SQLite's own functions do. */
export type MomentForm = Plain['timestamp with time zone'][number];

/** How SQLite writes a time of day. */
export type TimeForm = Plain['time without time zone'][number];

/** How SQLite writes a UUID. */
export type UuidForm = Plain['uuid'][number];

/** The forms of which a column may hold others too, each to be taken for what it says. */
type MixableForm = MomentForm | 'date' | TimeForm | UuidForm;

/** A form of which every value comes back from PostgreSQL exactly as it was; a value in any other form is refused. */
export type PlainForm = MixableForm | Plain['jsonb'][number] | Plain['character'][number];

/**
 * How SQLite holds the values of a column.
 *
 * `… mixed` is for a column that holds several forms: a value in another form of the same kind is taken as well, the two
 * databases are compared by what the values say, and what comes back from PostgreSQL is in the form named. An integer in
 * a mixed column of moments counts in the unit of the form named, and in milliseconds where that is text (which is how
 * Knex binds a `Date`).
 */
export type Form = PlainForm | `${MixableForm} mixed`;

const MOMENT_FORMS: readonly MomentForm[] = PLAIN_FORMS['timestamp with time zone'];

/** PostgreSQL's types whose values SQLite holds in one of several forms, and these forms. */
const FORMS: ReadonlyMap<string, readonly Form[]> = new Map<string, readonly Form[]>([
  ['timestamp with time zone', withMixed(MOMENT_FORMS)],
  ['timestamp without time zone', withMixed(MOMENT_FORMS)],
  ['date', withMixed([...PLAIN_FORMS.date, ...MOMENT_FORMS])],
  ['time without time zone', withMixed(PLAIN_FORMS['time without time zone'])],
  ['uuid', withMixed(PLAIN_FORMS.uuid)],
  ['jsonb', PLAIN_FORMS.jsonb],
  ['character', PLAIN_FORMS.character],
]);

function withMixed(forms: readonly MixableForm[]): readonly Form[] {
  return [...forms, ...forms.map((form) => `${form} mixed` as const)];
}

/**
 * The forms that a column of a PostgreSQL type may declare, the default first; none for a type that needs no form.
 *
 * @param postgresType as `format_type` gives it, with or without a modifier.
 */
export function formsOf(postgresType: string): readonly Form[] {
  return FORMS.get(postgresType.replace(/\(.*\)/, '')) ?? [];
}

/** Whether a form can be declared for a column of a PostgreSQL type. */
export function isFormOf(postgresType: string, name: string): name is Form {
  const forms: readonly string[] = formsOf(postgresType);
  return forms.includes(name);
}

const MARK = /^crossfade: *(.*?) *$/m;

/**
 * The comment that declares a form: a line of its own, `crossfade: epoch-ms`, after whatever the comment says already.
 *
 * @example `COMMENT ON COLUMN orders.paid_at IS 'crossfade: epoch-ms'`
 */
export function formComment(form: Form, comment = ''): string {
  const line = `crossfade: ${form}`;
  if (MARK.test(comment)) return comment.replace(MARK, () => line);
  return comment === '' ? line : `${comment}\n${line}`;
}

/** The form that a comment declares, as it is written there and not yet looked at; `undefined` when it declares none. */
export function formOfComment(comment: string | null): string | undefined {
  return comment === null ? undefined : MARK.exec(comment)?.[1];
}
