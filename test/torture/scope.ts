/** What a round owns, as far as test helpers ask for it: ended in the opposite order, whatever happens. */
export class Scope {
  readonly #teardowns: (() => unknown)[] = [];
  /** Told to whoever reads along. */
  readonly notes: string[] = [];
  readonly log = Object.assign((...values: unknown[]): void => void this.notes.push(values.map(String).join(' ')), {
    skip: (): void => {},
  });

  readonly teardown = (work: () => unknown): void => {
    this.#teardowns.push(work);
  };

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let work = this.#teardowns.pop(); work !== undefined; work = this.#teardowns.pop()) {
      try {
        await work();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
