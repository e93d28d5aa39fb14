import { blob, choice, epochMs, flag, integer, json, real, reference, text } from './fields.ts';
import type { Fields } from './fields.ts';

const NOW = { byDefault: () => Date.now() };
const NO = { byDefault: () => 0 };
const YES = { byDefault: () => 1 };
const MONEY = Number.MAX_SAFE_INTEGER;
const DAY = { pattern: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, max: 10, expected: 'a day such as 2025-06-30' };
const MOMENT = {
  pattern: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?Z$/,
  max: 24,
  expected: 'a moment such as 2025-06-30T12:00:00.000Z',
};

/** The fields of an account. */
export const ACCOUNT = {
  email: text({
    min: 3,
    max: 254,
    pattern: /^[^\s@]+@[^\s@]+$/,
    expected: 'an e-mail address of at most 254 characters',
  }),
  name: text({ min: 1, max: 200 }),
  country: text({ optional: true, pattern: /^[A-Z]{2}$/, max: 2, expected: 'a country code of two capital letters' }),
  is_active: flag(YES),
  is_provider: flag(NO),
  balance_cents: integer({ ...NO, min: -MONEY, max: MONEY }),
  profile: json({ optional: true, max: 10_000 }),
  avatar: blob({ optional: true, maxBytes: 65_536 }),
  created_at: epochMs(NOW),
  last_login_at: text({ optional: true, ...MOMENT }),
} as const satisfies Fields;

/** The fields of an offering. */
export const OFFERING = {
  provider_id: reference(),
  title: text({ min: 1, max: 200 }),
  description: text({ optional: true, max: 5_000 }),
  category: choice(['compute', 'gpu', 'storage', 'bandwidth', 'workshop', 'vehicle']),
  price_cents_per_hour: integer({ min: 0, max: MONEY }),
  reliability: real({ optional: true, min: 0, max: 1 }),
  latitude: real({ optional: true, min: -90, max: 90 }),
  longitude: real({ optional: true, min: -180, max: 180 }),
  is_listed: flag(YES),
  attributes: json({ optional: true, max: 10_000 }),
  created_at: epochMs(NOW),
} as const satisfies Fields;

/** The fields of a contract. */
export const CONTRACT = {
  account_id: reference(),
  offering_id: reference({ optional: true }),
  status: choice(['draft', 'active', 'ended', 'cancelled'], { byDefault: () => 'draft' }),
  hours: integer({ min: 1, max: 1_000_000 }),
  total_cents: integer({ min: 0, max: MONEY }),
  starts_at: epochMs(NOW),
  ends_at: epochMs({ optional: true }),
  signed_on: text({ optional: true, ...DAY }),
  auto_renew: flag(NO),
  terms: json({ optional: true, max: 10_000 }),
} as const satisfies Fields;

/** The fields of a contract's first payment; the contract itself is the one being made. */
export const PAYMENT = {
  amount_cents: integer({ min: 1, max: MONEY }),
  currency: choice(['EUR', 'USD', 'CHF', 'JPY']),
  method: choice(['card', 'transfer', 'wallet', 'invoice']),
  reference: text({ optional: true, min: 1, max: 100 }),
  is_refund: flag(NO),
  paid_at: text({ optional: true, ...MOMENT }),
  created_at: epochMs(NOW),
  receipt: blob({ optional: true, maxBytes: 65_536 }),
} as const satisfies Fields;
