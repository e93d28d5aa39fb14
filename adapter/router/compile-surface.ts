import type { TargetClient } from './target-client.ts';

/** What a client does while Knex compiles. `wrapIdentifierImpl` is not among them: Knex passes it on without `this`. */
export const COMPILE_SURFACE = [
  'schemaCompiler',
  'tableCompiler',
  'columnCompiler',
  'viewCompiler',
  'tableBuilder',
  'columnBuilder',
  'viewBuilder',
  'formatter',
  'parameter',
  'parameterize',
  'values',
  'alias',
  'wrapIdentifier',
  'customWrapIdentifier',
  '_escapeBinding',
  'prepBindings',
  'positionBindings',
  'toPathForJson',
] as const;

/** Hands a step of compiling on to the client that is being compiled for, if it is another one. */
export function delegate(prototype: object, name: string, compiling: () => TargetClient | undefined): void {
  const own: unknown = Reflect.get(prototype, name);
  if (typeof own !== 'function') return;
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    value: function (this: object, ...args: unknown[]): unknown {
      const client = compiling();
      if (client === undefined || client === this) return Reflect.apply(own, this, args);
      return Reflect.apply(Reflect.get(client, name) as typeof own, client, args);
    },
  });
}
