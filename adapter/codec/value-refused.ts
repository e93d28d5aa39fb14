/** A value that the other database's type cannot hold: the reason, without the value. */
export class ValueRefused extends Error {
  override readonly name = 'ValueRefused';
}
