import { checkMapping } from '../data/columns/checkMapping.js';
import type { ColumnMapping } from '../data/columns/columnMapping.js';
import { checkLabelNames } from '../data/labelNames.js';
import { MlmlError } from '../errors.js';
import { type LossName, lossNames } from '../ssgd/options.js';
import type { ScoreCalibration } from '../ssgd/scoreCalibration.js';
import { checkSeal, shown } from '../storage/sealedJson.js';
import { checkCalibration } from './calibration/checkCalibration.js';
import { checkKernelFields, type KernelModelDescription } from './kernelModelFormat.js';

export const MODEL_FILE = 'model.json';
export const MODEL_VERSION = 1;
/** Of models of several outputs, which readers of version 1 would take for one. */
export const SEVERAL_OUTPUTS_VERSION = 2;

/** The version of the format that a model needs. */
export function modelVersion({ task, k }: { readonly task: string; readonly k: number }): number {
  return task === 'regression' && k > 1 ? SEVERAL_OUTPUTS_VERSION : MODEL_VERSION;
}

/** The fields of `model.json` that every kind of model has. */
export interface CommonDescription {
  readonly format: 'mlml-model';
  readonly version: number;
  readonly task: 'classification' | 'regression';
  readonly d: number;
  /** Columns of scores: classes, outputs of a regression, or 1. */
  readonly k: number;
  readonly scaling: 'none' | 'unit' | 'standard';
  readonly classNames: readonly string[];
  /** Of the training data. */
  readonly fingerprint: string;
  /** Names of the outputs, when a regression has several. */
  readonly labelNames?: readonly string[];
  readonly columns?: ColumnMapping;
  readonly calibration?: ScoreCalibration;
  /** float64, little-endian; what it holds depends on the kind. */
  readonly weights: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

/** Weights: k·d weights, k intercepts, d factors and d addends of the scaling. See docs/format.md. */
export interface LinearModelDescription extends CommonDescription {
  readonly kind: 'linear';
  readonly loss: LossName;
  /** The feature that held the weights of the training rows, which scores ignore. */
  readonly weightColumn?: number;
}

/** What `model.json` holds. See docs/format.md. */
export type ModelDescription = LinearModelDescription | KernelModelDescription;

/** Bytes of the weights file of a linear model. */
export function weightBytes(d: number, k: number): number {
  return 8 * (k * d + k + 2 * d);
}

/** Throws `MLML_BAD_FILE` naming a field of a description, what it holds and what was expected. */
export type BadField = (field: string, found: unknown, wanted: string) => never;

/** Checks a parsed `model.json`; anything unexpected is an error naming the field. */
export function checkModelDescription(value: unknown, path: string): ModelDescription {
  const bad: BadField = (field, found, wanted) => {
    throw new MlmlError('MLML_BAD_FILE', `${path}: field '${field}' is ${shown(found)}; expected ${wanted}`);
  };
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (given['format'] !== 'mlml-model') bad('format', given['format'], '"mlml-model"');
  const version = given['version'];
  if (typeof version === 'number' && version > SEVERAL_OUTPUTS_VERSION) {
    throw new MlmlError(
      'MLML_VERSION',
      `${path}: format version ${version} is newer than this mlml understands (${SEVERAL_OUTPUTS_VERSION}); update mlml`,
    );
  }
  const wantedVersion = modelVersion(given as { task: string; k: number });
  if (version !== wantedVersion) bad('version', version, String(wantedVersion));
  const oneOf = (field: string, allowed: readonly string[]) => {
    if (!allowed.includes(given[field] as string)) bad(field, given[field], `one of ${allowed.join(', ')}`);
  };
  oneOf('kind', ['linear', 'kernel']);
  oneOf('task', ['classification', 'regression']);
  oneOf('scaling', ['none', 'unit', 'standard']);
  for (const field of ['d', 'k']) {
    if (!Number.isSafeInteger(given[field]) || (given[field] as number) < 1)
      bad(field, given[field], 'a positive integer');
  }
  const names = given['classNames'];
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    bad('classNames', names, 'a list of strings');
  if (typeof given['fingerprint'] !== 'string' || given['fingerprint'].length > 255)
    bad('fingerprint', given['fingerprint'], 'a string');
  const sizes = given as { task: string; k: number };
  checkLabelNames(given['labelNames'], sizes.task, sizes.k, bad);
  checkMapping(given['columns'], given['d'] as number, sizes, bad);
  checkCalibration(given, bad);
  const weights = (given['weights'] ?? {}) as Record<string, unknown>;
  if (
    typeof weights['file'] !== 'string' ||
    /[\\/]|^\.\.?$/.test(weights['file']) ||
    weights['file'] === '' ||
    weights['file'].length > 255
  )
    bad('weights.file', weights['file'], 'a file name without folders');
  if (typeof weights['sha256'] !== 'string' || !/^[0-9a-f]{64}$/.test(weights['sha256']))
    bad('weights.sha256', weights['sha256'], '64 hexadecimal digits');
  let wanted: number;
  if (given['kind'] === 'kernel') wanted = checkKernelFields(given, path, bad);
  else {
    oneOf('loss', lossNames);
    const column = given['weightColumn'] ?? 0;
    if (
      !Number.isSafeInteger(column) ||
      (column as number) < 0 ||
      (column as number) >= (given['d'] as number)
    )
      bad('weightColumn', column, 'the number of a feature');
    wanted = weightBytes(given['d'] as number, given['k'] as number);
  }
  if (!Number.isSafeInteger(wanted)) bad('d', given['d'], 'a size that can be stored');
  if (weights['bytes'] !== wanted) bad('weights.bytes', weights['bytes'], `${wanted}, from the sizes`);
  checkSeal(given, path);
  return value as ModelDescription;
}
