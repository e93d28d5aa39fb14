/** What no terminal and no page shows as it is: control characters, and those that turn the writing round. */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}]/gu;

/** The text with such characters written out, `\u202e`: a name or a key must not be able to look like something else. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
