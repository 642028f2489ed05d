import { createHash } from 'node:crypto';
import { featureDifference } from '../data/columns/sameFeatures.js';
import type { DatasetDescription } from '../data/format.js';
import { labelDifference } from '../data/labelNames.js';
import type { Scaling } from '../data/scaling.js';
import { MlmlError } from '../errors.js';
import type { Region } from '../memory/plan.js';
import type { LinearModel } from './linearModel.js';
import { lossOf } from './losses/losses.js';
import type { TrainOptions } from './options.js';

/** Hash of all that decides the scores of a model. */
export function modelHash({ loss, weights, intercept, scaling }: LinearModel): string {
  const hash = createHash('sha256').update(loss);
  for (const { buffer, byteOffset, byteLength } of [weights, intercept, scaling.multiply, scaling.add])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex').slice(0, 32);
}

/**
 * Instead of a model that training began from and that cannot be read any more: enough to go on from a state, which holds
 * the weights.
 */
export interface MissingModel {
  /** Of the model, see `modelHash`. */
  readonly hash: string;
  /** Why it cannot be read; thrown when training must begin from it all the same. */
  readonly error: Error;
}

/** Room for the model that training starts from, which lies outside the arena: the pages are never touched. */
export function initialModelRegions({ init }: TrainOptions, d: number, columns: number): Region[] {
  return init === undefined ? [] : [{ name: 'initial model', bytes: 8 * (columns * (d + 1) + 2 * d) }];
}

/**
 * Throws `MLML_MISMATCH` unless training on this data can start from the model: same features, task, columns of scores
 * and classes. Returns what is worth a warning.
 */
export function checkInitialModel(
  model: LinearModel,
  description: DatasetDescription,
  options: TrainOptions,
): string[] {
  const { d, k, task, classNames, name } = description;
  const where = `--init=${options.init}`;
  const mismatch = (message: string) => new MlmlError('MLML_MISMATCH', `${where}: ${message}`);
  if ('coefficients' in model) throw mismatch('is a kernel model; training starts from linear models');
  if (model.d !== d) throw mismatch(`the model has ${model.d} features, ${name} has ${d}`);
  if (model.task !== task)
    throw mismatch(`the model is one of ${model.task}, ${name} is a data set of ${task}`);
  const columns = lossOf(options.loss).columns(task, k);
  if (model.k !== columns) {
    throw mismatch(
      `the model has ${model.k} ${model.k === 1 ? 'column' : 'columns'} of scores; --loss=${options.loss} on ${k} classes of ${name} has ${columns}`,
    );
  }
  if (model.classNames.length > 0 && classNames.length > 0 && model.classNames.join() !== classNames.join()) {
    throw mismatch(
      `the model's classes are ${model.classNames.join(', ')}, those of ${name} ${classNames.join(', ')}`,
    );
  }
  const difference =
    featureDifference(description.columns, model.columns) ?? labelDifference(description, model);
  if (difference !== undefined) throw mismatch(`of ${name}, ${difference} as in the model`);
  const { weightColumn } = options;
  for (let c = 0; weightColumn >= 0 && c < model.k; c++) {
    if (model.weights[c * d + weightColumn]! * model.scaling.multiply[weightColumn]! === 0) continue;
    throw mismatch(
      `the model uses feature ${weightColumn}, which --weight-column makes the weight of its row`,
    );
  }
  if (model.loss === options.loss) return [];
  return [
    `${where}: the model was trained with --loss=${model.loss}; its scores are a start for ${options.loss} only`,
  ];
}

/**
 * The same scores from features that are scaled in another way and have `centre` taken off:
 *
 *   w'ⱼ·(Mⱼ·x + Aⱼ − centreⱼ) + b' = wⱼ·(mⱼ·x + aⱼ) + b   with   w'ⱼ = wⱼ·mⱼ/Mⱼ
 *
 * A feature that the new scaling makes constant (M = 0) counts with its mean. Writes k × `stride` weights and k
 * intercepts.
 *
 * @throws MlmlError `MLML_MISMATCH` when an intercept is needed and `bias` is false
 */
export function convertModel(
  model: LinearModel,
  scaling: Scaling,
  centre: Float64Array,
  mean: ArrayLike<number>,
  bias: boolean,
  target: {
    readonly weights: Float32Array | Float64Array;
    /** From one column of scores to the next, and from one feature to the next (default 1). */
    readonly stride: number;
    readonly step?: number;
    readonly intercept: Float32Array | Float64Array;
  },
): void {
  const { d, k } = model;
  const { step = 1 } = target;
  for (let c = 0; c < k; c++) {
    let intercept = model.intercept[c]!;
    let size = 0;
    for (let j = 0; j < d; j++) {
      const weight = model.weights[c * d + j]!;
      const [multiply, add] = [model.scaling.multiply[j]!, model.scaling.add[j]!];
      const factor = scaling.multiply[j]!;
      const converted = factor === 0 ? 0 : (weight * multiply) / factor;
      target.weights[c * target.stride + j * step] = converted;
      const moved = factor === 0 ? weight * (multiply * mean[j]! + add) : weight * add;
      const back = converted * (scaling.add[j]! - centre[j]!);
      intercept += moved - back;
      size += Math.abs(moved) + Math.abs(back);
    }
    if (bias) target.intercept[c] = intercept;
    else if (Math.abs(intercept) > 1e-9 * (size + Math.abs(model.intercept[c]!))) {
      throw new MlmlError(
        'MLML_MISMATCH',
        `the model to start from has an intercept (${intercept.toPrecision(3)} for these features), and --no-bias leaves no place for it`,
      );
    }
  }
}
