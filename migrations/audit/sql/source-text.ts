import { callOf, identifierOf, isSourceNode, visit } from './source-node.ts';
import type { SourceNode } from './source-node.ts';

/** One of the texts that an expression of a program can have. */
export interface SourceText {
  /** What the program puts in when it runs reads `?`. */
  readonly text: string;
  /** Whether something is put in, or added under a condition, so that what runs is known only when it runs. */
  readonly isAssembled: boolean;
  /** The line it begins in, from 1. */
  readonly line: number;
}

/** How many of the texts that a choice of parts gives rise to are looked at. */
const MOST_TEXTS = 8;

/** What the variables of a file hold, as far as it is text that stands there. */
export class SourceTexts {
  readonly #values = new Map<string, SourceNode | null>();
  readonly #appended = new Map<string, SourceNode[]>();
  readonly #changing = new Set<string>();
  /** Names on the way to a value, which may go round in circles. */
  readonly #open = new Set<string>();

  constructor(program: SourceNode) {
    visit(program, (node) => {
      if (node.type === 'VariableDeclaration') {
        for (const declarator of node['declarations'] as readonly SourceNode[]) {
          this.#declare(declarator['id'], declarator['init'], node['kind'] !== 'const');
        }
      }
      if (node.type === 'AssignmentExpression') this.#assign(node);
    });
  }

  /** The texts of an expression; none if it is no text. */
  of(node: unknown): readonly SourceText[] {
    if (!isSourceNode(node)) return [];
    const line = node.loc?.start.line ?? 1;
    switch (node.type) {
      case 'StringLiteral':
        return [{ text: String(node['value']), isAssembled: false, line }];
      case 'TemplateLiteral':
        return this.#template(node, line);
      case 'BinaryExpression': {
        if (node['operator'] !== '+') return [];
        const [left, right] = [this.of(node['left']), this.of(node['right'])];
        return left.length + right.length === 0 ? [] : joined([orUnknown(left, line), orUnknown(right, line)], line);
      }
      case 'ConditionalExpression':
        return [...this.of(node['consequent']), ...this.of(node['alternate'])].slice(0, MOST_TEXTS);
      case 'LogicalExpression': {
        const right = this.of(node['right']);
        if (right.length === 0) return [];
        return node['operator'] === '&&' ? [...right, { text: '', isAssembled: false, line }] : right;
      }
      case 'TSAsExpression':
      case 'TSNonNullExpression':
      case 'TSSatisfiesExpression':
      case 'ParenthesizedExpression':
        return this.of(node['expression']);
      case 'CallExpression':
        return this.#call(node, line);
      case 'Identifier':
      case 'MemberExpression':
        return this.#named(pathOf(node) ?? '');
      default:
        return [];
    }
  }

  #declare(id: unknown, init: unknown, isChanging: boolean): void {
    const name = identifierOf(id);
    if (name === undefined || !isSourceNode(init)) return;
    // Two variables of one name are told apart only by where they are in reach.
    this.#values.set(name, this.#values.has(name) ? null : init);
    if (isChanging) this.#changing.add(name);
    const value = init.type === 'TSAsExpression' && isSourceNode(init['expression']) ? init['expression'] : init;
    if (value.type !== 'ObjectExpression') return;
    for (const property of value['properties'] as readonly SourceNode[]) {
      const key = identifierOf(property['key']);
      if (key !== undefined)
        this.#declare({ type: 'Identifier', name: `${name}.${key}` }, property['value'], isChanging);
    }
  }

  #assign(node: SourceNode): void {
    const name = identifierOf(node['left']);
    const right = node['right'];
    if (name === undefined || !isSourceNode(right)) return;
    if (node['operator'] === '+=') this.#appended.set(name, [...(this.#appended.get(name) ?? []), right]);
    else if (node['operator'] === '=') this.#values.set(name, null);
  }

  #named(name: string): readonly SourceText[] {
    const value = this.#values.get(name);
    if (value === undefined || value === null || this.#open.has(name)) return [];
    this.#open.add(name);
    try {
      const texts = this.of(value);
      const appended = this.#appended.get(name) ?? [];
      if (texts.length === 0 || !this.#changing.has(name)) return texts;
      const line = texts[0]?.line ?? 1;
      const longest = joined([texts, ...appended.map((part) => orUnknown(this.of(part), line))], line);
      return [...texts, ...(appended.length === 0 ? [] : longest)]
        .slice(0, MOST_TEXTS)
        .map((text) => (appended.length === 0 ? text : { ...text, isAssembled: true }));
    } finally {
      this.#open.delete(name);
    }
  }

  #template(node: SourceNode, line: number): readonly SourceText[] {
    const quasis = node['quasis'] as readonly { readonly value: { readonly cooked?: string } }[];
    const expressions = node['expressions'] as readonly unknown[];
    const parts = quasis.flatMap(({ value }, index) => {
      const fixed: readonly SourceText[] = [{ text: value.cooked ?? '', isAssembled: false, line }];
      return index < expressions.length ? [fixed, orUnknown(this.of(expressions[index]), line)] : [fixed];
    });
    return joined(parts, line);
  }

  /** `['SELECT', 'a'].join(' ')` and `'…'.trim()`. */
  #call(node: SourceNode, line: number): readonly SourceText[] {
    const call = callOf(node);
    if (call?.object === undefined) return [];
    if (/^trim(Start|End)?$/.test(call.method)) return this.of(call.object);
    if (call.method !== 'join' || call.object.type !== 'ArrayExpression') return [];
    const [separator] = this.of(call.args[0]);
    const elements = (call.object['elements'] as readonly unknown[]).map((element) => this.of(element));
    if (separator === undefined || elements.every((texts) => texts.length === 0)) return [];
    const parts = elements.flatMap((texts, index) => [...(index === 0 ? [] : [[separator]]), orUnknown(texts, line)]);
    return joined(parts, line);
  }
}

function orUnknown(texts: readonly SourceText[], line: number): readonly SourceText[] {
  return texts.length === 0 ? [{ text: '?', isAssembled: true, line }] : texts;
}

/** Every choice of one text from each part, in a row. */
function joined(parts: readonly (readonly SourceText[])[], line: number): readonly SourceText[] {
  let texts: readonly SourceText[] = [{ text: '', isAssembled: false, line }];
  for (const part of parts) {
    texts = texts
      .flatMap((before) =>
        part.map((after) => ({
          text: before.text + after.text,
          isAssembled: before.isAssembled || after.isAssembled,
          line,
        })),
      )
      .slice(0, MOST_TEXTS);
  }
  return texts;
}

function pathOf(node: unknown): string | undefined {
  if (!isSourceNode(node)) return undefined;
  if (node.type === 'Identifier') return identifierOf(node);
  if (node.type !== 'MemberExpression' || node['computed'] === true) return undefined;
  const [object, property] = [identifierOf(node['object']), identifierOf(node['property'])];
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}
