import { calibrationMethods } from '../../ssgd/scoreCalibration.js';
import type { BadField } from '../modelFormat.js';

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isShare = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;

/** Checks the `calibration` of a parsed `model.json`. Undefined is fine. */
export function checkCalibration(given: Fields, bad: BadField): void {
  const value = given['calibration'];
  if (value === undefined) return;
  if (given['task'] !== 'classification') bad('calibration', value, 'nothing in a regression');
  const { method, rows, fingerprint, curves } = isObject(value) ? value : {};
  const methods: readonly unknown[] = calibrationMethods;
  if (!methods.includes(method)) bad('calibration.method', method, `one of ${calibrationMethods.join(', ')}`);
  if (!Number.isSafeInteger(rows) || (rows as number) < 1)
    bad('calibration.rows', rows, 'a positive integer');
  if (typeof fingerprint !== 'string' || fingerprint.length > 255)
    bad('calibration.fingerprint', fingerprint, 'a string');
  const k = given['k'] as number;
  const count = k <= 2 ? 1 : k;
  if (!Array.isArray(curves) || curves.length !== count)
    return bad('calibration.curves', curves, `a list of ${count}`);
  for (const curve of curves) {
    const good = isObject(curve) && (method === 'sigmoid' ? isSigmoid(curve) : isIsotonic(curve));
    if (!good)
      bad(
        'calibration.curves',
        curve,
        method === 'sigmoid'
          ? 'finite slope and intercept'
          : 'rising scores and probabilities, as many of each',
      );
  }
}

function isSigmoid({ slope, intercept }: Fields): boolean {
  return Number.isFinite(slope) && Number.isFinite(intercept);
}

function isIsotonic({ scores, probabilities }: Fields): boolean {
  if (!Array.isArray(scores) || !Array.isArray(probabilities)) return false;
  if (scores.length === 0 || scores.length !== probabilities.length) return false;
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i]) || !isShare(probabilities[i])) return false;
    if (i > 0 && !(scores[i] > scores[i - 1] && probabilities[i] >= probabilities[i - 1])) return false;
  }
  return true;
}
