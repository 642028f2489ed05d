import { nearest } from '../../data/suggest.js';
import { MlmlError } from '../../errors.js';
import { type NamedKind, parametersOf } from './kernelParameters.js';

/** A kernel expression before its parameters are known. */
export type KernelExpression =
  | { readonly kind: NamedKind }
  | { readonly kind: 'custom'; readonly name: string }
  | { readonly kind: 'sum'; readonly terms: readonly KernelExpression[] }
  | { readonly kind: 'product'; readonly factors: readonly KernelExpression[] }
  | { readonly kind: 'scale'; readonly factor: number; readonly of: KernelExpression };

const kernelNames = Object.keys(parametersOf) as NamedKind[];
const aliases: Readonly<Record<string, NamedKind>> = { poly: 'polynomial' };
const token = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z][\w:.-]*)|([+*()]))/y;

/**
 * Reads the text of `--kernel`: names without regard to case, positive numbers, `+`, `*` and parentheses; `MLML_USAGE`
 * with what is wrong and where.
 *
 *   sum = product {'+' product}    product = part {'*' part}    part = number | name | 'custom:' name | '(' sum ')'
 */
export function parseKernel(text: string): KernelExpression {
  const tokens = tokensOf(text);
  let position = 0;
  const wrong = (what: string): never => {
    throw new MlmlError(
      'MLML_USAGE',
      `--kernel=${text}: ${what}; write a kernel such as rbf or 0.5*rbf+linear`,
    );
  };

  const sum = (): KernelExpression => {
    const terms = [product()];
    while (tokens[position] === '+') {
      position++;
      terms.push(product());
    }
    return terms.length === 1 ? terms[0]! : { kind: 'sum', terms };
  };
  const product = (): KernelExpression => {
    let factor = 1;
    const factors: KernelExpression[] = [];
    do {
      const found = part();
      if (typeof found === 'number') factor *= found;
      else factors.push(found);
    } while (tokens[position] === '*' && position++ >= 0);
    if (factors.length === 0) return wrong(`${factor} stands alone; a number has to multiply a kernel`);
    if (!(factor > 0 && Number.isFinite(factor))) return wrong(`a factor of ${factor} is no positive number`);
    const of: KernelExpression = factors.length === 1 ? factors[0]! : { kind: 'product', factors };
    return factor === 1 ? of : { kind: 'scale', factor, of };
  };
  const part = (): KernelExpression | number => {
    const word = tokens[position++];
    if (word === undefined) return wrong('a kernel is missing at its end');
    if (word === '(') {
      const inner = sum();
      if (tokens[position++] !== ')') return wrong("a ')' is missing");
      return inner;
    }
    if (/^[\d.]/.test(word)) return Number(word);
    if (/^[+*)]/.test(word)) return wrong(`'${word}' stands where a kernel should`);
    return named(word, text);
  };

  const expression = sum();
  if (position < tokens.length) wrong(`'${tokens[position]}' does not belong there`);
  if (expression.kind !== 'precomputed' && kindsOf(expression).includes('precomputed'))
    wrong('precomputed cannot be combined with other kernels');
  return expression;
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) {
      const found = text.slice(at).trimStart()[0];
      throw new MlmlError(
        'MLML_USAGE',
        `--kernel=${text}: '${found}' has no meaning there; use names, numbers, '+', '*' and parentheses`,
      );
    }
    tokens.push(match[1] ?? match[2] ?? match[3]!);
  }
  return tokens;
}

function named(word: string, text: string): KernelExpression {
  const custom = /^custom:(.+)$/i.exec(word);
  if (custom !== null) return { kind: 'custom', name: custom[1]! };
  const name = word.toLowerCase().replaceAll('-', '_');
  const kind = kernelNames.find((known) => known === name) ?? aliases[name];
  if (kind !== undefined) return { kind };
  const near = nearest(name, [...kernelNames, ...Object.keys(aliases)]);
  const choices = `choose one of ${kernelNames.join(', ')}, custom:<name>, or an expression of them`;
  throw new MlmlError(
    'MLML_USAGE',
    `--kernel=${text}: there is no kernel '${word}'; ${near === undefined ? choices : `did you mean '${near}'?`}`,
  );
}

/** Kinds of all parts that are no combinations, from left to right. */
export function kindsOf(expression: KernelExpression): (NamedKind | 'custom')[] {
  if (expression.kind === 'sum') return expression.terms.flatMap(kindsOf);
  if (expression.kind === 'product') return expression.factors.flatMap(kindsOf);
  if (expression.kind === 'scale') return kindsOf(expression.of);
  return [expression.kind];
}
