import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors.ts';
import { Loop } from './loop.ts';
import { parseStage } from './stage.ts';
import type { Stage } from './stage.ts';

/** What is used of an OpenFeature client (`@openfeature/server-sdk`), or of anything that looks like one. */
export interface FlagClient {
  getStringValue(flag: string, fallback: string): Promise<string>;
  getNumberValue(flag: string, fallback: number): Promise<number>;
  addHandler?(event: string, handler: () => void): void;
  removeHandler?(event: string, handler: () => void): void;
}

/** Which feature flags decide, past the options of the same meaning. */
export interface FlagOptions {
  /** @example OpenFeature.getClient() */
  readonly client: FlagClient;
  /** A string: the wanted stage. Empty for none. @default 'crossfade-stage' */
  readonly stage?: string;
  /** A number from 0 to 1: the share of reads that PostgreSQL answers. @default 'crossfade-read-share' */
  readonly readShare?: string;
  /** A number from 0 to 1: the share of reads that are tried on the other store. @default 'crossfade-shadow-sample' */
  readonly shadowSample?: string;
  /** How often they are asked for, beside the provider's own events, in ms. @default 10000 */
  readonly refreshMs?: number;
}

export interface FlagsContext {
  readonly options: FlagOptions;
  readonly want: (stage: Stage) => void;
  readonly reads: { share: number };
  readonly shadow: { sample: number };
  readonly warn: (text: string) => void;
}

const REFRESH_MS = 10_000;
/** How long a provider that does not answer may hold up the end, in ms. */
const STOP_LIMIT_MS = 1_000;
const EVENTS = ['PROVIDER_READY', 'PROVIDER_CONFIGURATION_CHANGED'];

/**
 * Keeps what feature flags say at hand. Flags are evaluated asynchronously, and a query is routed synchronously: the last
 * values decide, and go on deciding while the provider is away.
 */
export class Flags {
  readonly #context: FlagsContext;
  readonly #loop: Loop;
  readonly #wake = (): void => this.#loop.wake();
  readonly #last = new Map<string, string | number>();
  readonly #warned = new Set<string>();

  constructor(context: FlagsContext) {
    this.#context = context;
    const { client, refreshMs = REFRESH_MS } = context.options;
    this.#loop = new Loop({
      turn: async () => {
        await this.refresh();
        return { afterMs: refreshMs };
      },
      onError: () => 'retry',
    });
    for (const event of EVENTS) client.addHandler?.(event, this.#wake);
    this.#loop.start();
  }

  /** Asks for every flag, and does what has changed. Never rejects: what cannot be told stays as it is. */
  async refresh(): Promise<void> {
    const { options, want, reads, shadow } = this.#context;
    const { client, stage = 'crossfade-stage' } = options;
    const { readShare = 'crossfade-read-share', shadowSample = 'crossfade-shadow-sample' } = options;
    await Promise.all([
      this.#follow(stage, client.getStringValue(stage, ''), (name) => want(parseStage(name))),
      this.#follow(readShare, client.getNumberValue(readShare, reads.share), (share) => {
        reads.share = share;
      }),
      this.#follow(shadowSample, client.getNumberValue(shadowSample, shadow.sample), (sample) => {
        shadow.sample = sample;
      }),
    ]);
  }

  async stop(): Promise<void> {
    for (const event of EVENTS) this.#context.options.client.removeHandler?.(event, this.#wake);
    const timer = new AbortController();
    const limit = sleep(STOP_LIMIT_MS, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([this.#loop.stop(), limit]);
    timer.abort();
  }

  /** A value that is the same as the last time does nothing, so that a person may decide otherwise meanwhile. */
  async #follow<T extends string | number>(
    flag: string,
    evaluation: Promise<T>,
    act: (value: T) => void,
  ): Promise<void> {
    try {
      const value = await evaluation;
      // A provider in trouble gives the fallback.
      if (value === '' || this.#last.get(flag) === value) return;
      this.#last.set(flag, value);
      act(value);
    } catch (error) {
      const text = `flag "${flag}" is not followed: ${messageOf(error)}`;
      if (!this.#warned.has(text)) this.#context.warn(text);
      this.#warned.add(text);
    }
  }
}
