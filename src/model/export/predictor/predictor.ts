/**
 * What an exported JavaScript module predicts with: this file and all it imports are put together when mlml is built, and
 * written into the module before its numbers. Nothing in it may need Node.
 */
import type { Dtype } from '../../../arithmetic/dtype.js';
import { type Cell, type ColumnMapping, neededColumns } from '../../../data/columns/columnMapping.js';
import { RowEncoder } from '../../../data/columns/rowEncoder.js';
import { MlmlError } from '../../../errors.js';
import type { KernelFunction } from '../../../kernel/functions/kernelFunction.js';
import { classOf } from '../../../ssgd/classOf.js';
import type { LossName } from '../../../ssgd/options.js';
import type { ScoreCalibration } from '../../../ssgd/scoreCalibration.js';
import { probabilitiesOf } from '../../probabilities.js';
import { decodeNumbers } from './decode.js';
import { kernelValue } from './kernelValue.js';

/** The model without its numbers. */
export interface PredictorDescription {
  readonly task: 'classification' | 'regression';
  readonly loss: LossName;
  readonly d: number;
  readonly k: number;
  /** Labels of classes where they are not their numbers. */
  readonly classes?: readonly string[];
  /** Names of the outputs of a regression with several. */
  readonly labelNames?: readonly string[];
  readonly columns?: ColumnMapping;
  readonly calibration?: ScoreCalibration;
  /** Of a kernel model, with its rows. */
  readonly kernel?: KernelFunction;
  readonly n?: number;
  readonly dtype?: Dtype;
}

/** In base64, little-endian; float64 but for the rows. */
export interface PredictorNumbers {
  readonly multiply: readonly string[];
  readonly add: readonly string[];
  /** k × d and k of a linear model; n × k of a kernel model, and its rows, n × d of `dtype`. */
  readonly weights?: readonly string[];
  readonly intercept?: readonly string[];
  readonly coefficients?: readonly string[];
  readonly rows?: readonly string[];
}

export type PredictorRow = ArrayLike<number> | Readonly<Record<string, Cell>>;

export interface Predictor {
  /** A class, a value, or the values of all outputs. */
  predict(row: PredictorRow): number | string | Float64Array;
  predictScores(row: PredictorRow): Float64Array;
  predictProbabilities(row: PredictorRow): Float64Array;
}

/** Writes the k scores of a row of scaled features. */
type Score = (x: Float64Array, scores: Float64Array) => void;

export function makePredictor(model: PredictorDescription, numbers: PredictorNumbers): Predictor {
  const { d, k, task, classes } = model;
  const doubles = (pieces: readonly string[] | undefined, length: number) =>
    decodeNumbers(pieces ?? [], 'float64', length) as Float64Array;
  const multiply = doubles(numbers.multiply, d);
  const add = doubles(numbers.add, d);
  const score = model.kernel === undefined ? linearScore() : kernelScore(model.kernel);
  const read = rowReader(model);

  function linearScore(): Score {
    const weights = doubles(numbers.weights, k * d);
    const intercept = doubles(numbers.intercept, k);
    return (x, scores) => {
      for (let c = 0; c < k; c++) {
        let sum = 0;
        for (let j = 0, at = c * d; j < d; j++, at++) sum += weights[at]! * x[j]!;
        scores[c] = sum + intercept[c]!;
      }
    };
  }

  function kernelScore(kernel: KernelFunction): Score {
    const n = model.n!;
    const value = kernelValue(kernel);
    const coefficients = doubles(numbers.coefficients, n * k);
    const rows = decodeNumbers(numbers.rows!, model.dtype!, n * d);
    const y = new Float64Array(d);
    return (x, scores) => {
      for (let i = 0, at = 0; i < n; i++) {
        for (let j = 0; j < d; j++, at++) y[j] = multiply[j]! * rows[at]! + add[j]!;
        const entry = value(x, y);
        for (let c = 0; c < k; c++) scores[c]! += coefficients[i * k + c]! * entry;
      }
    };
  }

  function predictScores(row: PredictorRow): Float64Array {
    const x = read(row);
    for (let j = 0; j < d; j++) x[j] = multiply[j]! * x[j]! + add[j]!;
    const scores = new Float64Array(k);
    score(x, scores);
    if (!scores.every(Number.isFinite))
      throw new MlmlError(
        'MLML_BAD_DATA',
        'the scores of the row are not finite: a value of it is no number, or far larger than those of training',
      );
    return scores;
  }

  return {
    predictScores,
    predict(row) {
      const scores = predictScores(row);
      if (task === 'regression') return model.labelNames === undefined ? scores[0]! : scores;
      const number = classOf(scores, 0, k);
      return classes === undefined ? number : classes[number]!;
    },
    predictProbabilities(row) {
      const probabilities = new Float64Array(Math.max(k, 2));
      probabilitiesOf({ ...model, classNames: [] }, predictScores(row), 0, probabilities);
      return probabilities;
    },
  };
}

/** Makes the features of a row as they are before scaling, in an array of its own. */
function rowReader({ d, columns }: PredictorDescription): (row: PredictorRow) => Float64Array {
  if (columns === undefined)
    return (row) => {
      const { length } = row as ArrayLike<number>;
      if (length !== d)
        throw new MlmlError(
          'MLML_BAD_DATA',
          `the row has ${length} features, the model takes an array of ${d}`,
        );
      return Float64Array.from(row as ArrayLike<number>);
    };
  const names = [...new Set(neededColumns(columns))];
  const encoder = new RowEncoder(columns, names, []);
  const locate = (column: string) => `column ${JSON.stringify(column)}`;
  return (row) => {
    const cells = names.map((name) => {
      if (!Object.hasOwn(row, name))
        throw new MlmlError('MLML_BAD_DATA', `${locate(name)} is not there; null stands for a missing value`);
      return (row as Readonly<Record<string, Cell>>)[name];
    });
    const features = new Float64Array(d);
    encoder.encode(cells, features, locate);
    return features;
  };
}
