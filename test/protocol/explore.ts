/** One thing that may happen. What it may do in several ways is several actions. */
export interface Action<State> {
  readonly name: string;
  /** The state after it, or `null` where it cannot happen. Must leave `state` as it is. */
  readonly next: (state: State) => State | null;
}

/** A machine with finitely many states, and what must be true of it. */
export interface Model<State> {
  readonly initial: State;
  readonly actions: readonly Action<State>[];
  /** What must hold in each state, by name. */
  readonly invariants: Readonly<Record<string, (state: State) => boolean>>;
  /** What must be within reach from each state, by name: nothing may get stuck for ever. */
  readonly goals?: Readonly<Record<string, (state: State) => boolean>>;
  /** The same text for the same state, and only for that. */
  readonly encode: (state: State) => string;
}

/** What the search found; `trace` names the actions of a shortest way to the violation. */
export type Explored =
  | { readonly outcome: 'holds'; readonly states: number; readonly edges: number }
  | {
      readonly outcome: 'violated';
      readonly states: number;
      readonly violated: string;
      readonly trace: readonly string[];
    };

/** Where the search gives up: a model that is larger proves nothing. */
const MAX_STATES = 1_500_000;

/**
 * Visits every state that can be reached, nearest first.
 *
 * With `only`, nothing but that invariant or goal is looked at. Throws when there are too many states to see them all.
 */
export function explore<State>(model: Model<State>, { only }: { only?: string } = {}): Explored {
  const wanted = ([name]: readonly [string, unknown]): boolean => only === undefined || name === only;
  const invariants = Object.entries(model.invariants).filter(wanted);
  const goals = Object.entries(model.goals ?? {}).filter(wanted);
  if (invariants.length + goals.length === 0) throw new Error(`the model has no property named "${only}"`);

  const numbers = new Map<string, number>();
  const states: (State | null)[] = [];
  const cameFrom: number[] = [];
  const cameBy: string[] = [];
  const predecessors: number[][] = [];
  const reaching = goals.map((): number[] => []);
  let edges = 0;
  const violation = (violated: string, at: number): Explored => {
    const trace: string[] = [];
    for (let state = at; state > 0; state = cameFrom[state] ?? 0) trace.unshift(cameBy[state] ?? '');
    return { outcome: 'violated', states: numbers.size, violated, trace };
  };
  const visit = (state: State, from: number, by: string): string | undefined => {
    const text = model.encode(state);
    const known = numbers.get(text);
    if (known !== undefined) {
      if (goals.length > 0) predecessors[known]?.push(from);
      return undefined;
    }
    if (numbers.size >= MAX_STATES) throw new Error(`more than ${MAX_STATES} states: the model needs closer bounds`);
    const number = numbers.size;
    numbers.set(text, number);
    states.push(state);
    cameFrom.push(from);
    cameBy.push(by);
    if (goals.length > 0) predecessors.push([from]);
    for (const [index, [, isReached]] of goals.entries()) if (isReached(state)) reaching[index]?.push(number);
    return invariants.find(([, holds]) => !holds(state))?.[0];
  };

  const atOnce = visit(model.initial, 0, '');
  if (atOnce !== undefined) return violation(atOnce, 0);
  for (let number = 0; number < states.length; number += 1) {
    const state = states[number];
    if (state === null || state === undefined) continue;
    // Only the states that are still to be expanded are kept.
    states[number] = null;
    for (const { name, next } of model.actions) {
      const after = next(state);
      if (after === null) continue;
      edges += 1;
      const violated = visit(after, number, name);
      if (violated !== undefined) return violation(violated, states.length - 1);
    }
  }
  for (const [index, [name]] of goals.entries()) {
    const stuck = firstOutOfReach(reaching[index] ?? [], predecessors);
    if (stuck !== undefined) return violation(name, stuck);
  }
  return { outcome: 'holds', states: numbers.size, edges };
}

/** The first state from which no path leads to any of `goals`. */
function firstOutOfReach(goals: readonly number[], predecessors: readonly (readonly number[])[]): number | undefined {
  const isWithin = new Uint8Array(predecessors.length);
  const open = [...goals];
  for (const number of open) isWithin[number] = 1;
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    for (const before of predecessors[number] ?? []) {
      if (isWithin[before] === 1) continue;
      isWithin[before] = 1;
      open.push(before);
    }
  }
  const found = isWithin.indexOf(0);
  return found === -1 ? undefined : found;
}
