import { MlmlError } from '../errors.js';
import { type LossName, lossNames } from '../ssgd/options.js';

export const MODEL_FILE = 'model.json';
export const MODEL_VERSION = 1;

/** What `model.json` holds. See docs/format.md. */
export interface ModelDescription {
  readonly format: 'mlml-model';
  readonly version: number;
  readonly kind: 'linear';
  readonly task: 'classification' | 'regression';
  readonly loss: LossName;
  readonly d: number;
  /** Columns of scores. */
  readonly k: number;
  readonly scaling: 'none' | 'unit' | 'standard';
  readonly classNames: readonly string[];
  /** Of the training data. */
  readonly fingerprint: string;
  /** float64, little-endian: k·d weights, k intercepts, d factors and d addends of the scaling. */
  readonly weights: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

/** Bytes of the weights file of a linear model. */
export function weightBytes(d: number, k: number): number {
  return 8 * (k * d + k + 2 * d);
}

/** Checks a parsed `model.json`; anything unexpected is an error naming the field. */
export function checkModelDescription(value: unknown, path: string): ModelDescription {
  const bad = (field: string, found: unknown, wanted: string): never => {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: field '${field}' is ${JSON.stringify(found)}; expected ${wanted}`,
    );
  };
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (given['format'] !== 'mlml-model') bad('format', given['format'], '"mlml-model"');
  const version = given['version'];
  if (typeof version === 'number' && version > MODEL_VERSION) {
    throw new MlmlError(
      'MLML_VERSION',
      `${path}: format version ${version} is newer than this mlml understands (${MODEL_VERSION}); update mlml`,
    );
  }
  if (version !== MODEL_VERSION) bad('version', version, String(MODEL_VERSION));
  const oneOf = (field: string, allowed: readonly string[]) => {
    if (!allowed.includes(given[field] as string)) bad(field, given[field], `one of ${allowed.join(', ')}`);
  };
  oneOf('kind', ['linear']);
  oneOf('task', ['classification', 'regression']);
  oneOf('loss', lossNames);
  oneOf('scaling', ['none', 'unit', 'standard']);
  for (const field of ['d', 'k']) {
    if (!Number.isSafeInteger(given[field]) || (given[field] as number) < 1)
      bad(field, given[field], 'a positive integer');
  }
  const names = given['classNames'];
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    bad('classNames', names, 'a list of strings');
  if (typeof given['fingerprint'] !== 'string') bad('fingerprint', given['fingerprint'], 'a string');
  const weights = (given['weights'] ?? {}) as Record<string, unknown>;
  if (typeof weights['file'] !== 'string' || /[\\/]/.test(weights['file']) || weights['file'] === '')
    bad('weights.file', weights['file'], 'a file name without folders');
  const wanted = weightBytes(given['d'] as number, given['k'] as number);
  if (!Number.isSafeInteger(wanted)) bad('d', given['d'], 'a size that can be stored');
  if (weights['bytes'] !== wanted) bad('weights.bytes', weights['bytes'], `${wanted}, from d and k`);
  if (typeof weights['sha256'] !== 'string' || !/^[0-9a-f]{64}$/.test(weights['sha256']))
    bad('weights.sha256', weights['sha256'], '64 hexadecimal digits');
  return value as ModelDescription;
}
