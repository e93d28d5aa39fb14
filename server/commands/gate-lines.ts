import type { Gate } from '../../adapter/status.ts';

/** Gates as people read them: what was found, and for those that do not pass, what to do. */
export function gateLines(gates: readonly Gate[]): readonly string[] {
  return gates.flatMap((gate) => {
    const line = `  ${gate.passes ? 'passes ' : 'REFUSES'}  ${gate.name}: ${gate.found}`;
    return gate.passes || gate.remedy === '' ? [line] : [line, `           remedy: ${gate.remedy}`];
  });
}
