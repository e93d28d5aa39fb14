import { EventEmitter } from 'node:events';
import test from 'ava';
import type { FlagClient } from '../adapter/index.ts';
import { goTo, makePair, until } from './helpers/pair.ts';

/** A provider in memory, with the methods of an OpenFeature client. */
class MemoryFlags extends EventEmitter implements FlagClient {
  isAway = false;
  readonly values = new Map<string, string | number>();

  getStringValue(flag: string, fallback: string): Promise<string> {
    return this.#value(flag, fallback) as Promise<string>;
  }

  getNumberValue(flag: string, fallback: number): Promise<number> {
    return this.#value(flag, fallback) as Promise<number>;
  }

  addHandler(event: string, handler: () => void): void {
    this.on(event, handler);
  }

  removeHandler(event: string, handler: () => void): void {
    this.off(event, handler);
  }

  set(flag: string, value: string | number): void {
    this.values.set(flag, value);
    this.emit('PROVIDER_CONFIGURATION_CHANGED');
  }

  #value(flag: string, fallback: string | number): Promise<string | number> {
    return this.isAway
      ? Promise.reject(new Error('the provider is away'))
      : Promise.resolve(this.values.get(flag) ?? fallback);
  }
}

test('feature flags decide on the stage and the shares, when they change; a provider that is away changes nothing', async (t) => {
  const pair = await makePair(t);
  const flags = new MemoryFlags();
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (text: string) => warnings.push(text), error: (text: string) => t.log(text) };
  const crossfade = await pair.open({ flags: { client: flags }, logger });
  await goTo(crossfade, 'dual');
  flags.set('crossfade-stage', 'shadow');
  await until('the stage follows', () => crossfade.cutover.stage === 'shadow');
  flags.set('crossfade-shadow-sample', 0.5);
  flags.set('crossfade-read-share', 0.25);
  await until('the shares follow', () => crossfade.shadow.sample === 0.5 && crossfade.reads.share === 0.25);

  crossfade.reads.share = 0.75;
  flags.set('crossfade-shadow-sample', 0.1);
  await until('what changed follows', () => crossfade.shadow.sample === 0.1);
  t.is(crossfade.reads.share, 0.75, 'what did not change leaves a person’s decision alone');

  flags.isAway = true;
  flags.set('crossfade-read-share', 0);
  await until('a warning', () => warnings.some((text) => text.includes('the provider is away')));
  t.is(crossfade.reads.share, 0.75);
  flags.isAway = false;
  flags.set('crossfade-stage', 'nowhere');
  flags.set('crossfade-read-share', 7);
  await until('warnings of what is none', () =>
    ['nowhere', '7'].every((value) => warnings.some((text) => text.includes(value))),
  );
  t.is(crossfade.cutover.stage, 'shadow');
  await crossfade.close();
  t.is(flags.listenerCount('PROVIDER_CONFIGURATION_CHANGED'), 0);
});
