/** What a text becomes is kept, since an application says few different ones again and again. */
export class Kept<T> {
  readonly #make: (text: string) => T;
  readonly #most: number;
  readonly #longest: number;
  readonly #known = new Map<string, T>();

  /** At most `most` of them, of texts of at most `longest` characters; when there are more, all are forgotten. */
  constructor(
    make: (text: string) => T,
    { most = 1_000, longest = 4_000 }: { readonly most?: number; readonly longest?: number } = {},
  ) {
    this.#make = make;
    this.#most = most;
    this.#longest = longest;
  }

  of(text: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (text.length > this.#longest) return made;
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(text, made);
    return made;
  }
}
