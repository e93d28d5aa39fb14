/** A number with one digit after the point, for people. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
