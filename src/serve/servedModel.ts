import { loadModel } from '../model/loadModel.js';
import { openPredictor, type Predictor } from '../model/predictor/predictor.js';
import { givesProbabilities } from '../model/probabilities.js';
import { isKernelModel, type Model } from '../model/saveModel.js';
import type { Storage } from '../storage/storage.js';
import { HttpError } from './httpError.js';
import type { ServeOptions, ServePlan } from './serveOptions.js';

/** A model that is being served. */
export interface ServedModel {
  readonly predictor: Predictor;
  /** A kernel model: each row is compared with all training rows. */
  readonly isSlow: boolean;
  readonly fingerprint: string;
  /** The JSON of `GET /model`. */
  readonly description: Buffer;
  /** The most rows of a request, so that the answer stays below the longest. */
  mostRows(proba: boolean): number;
}

/** Letters of one prediction in an answer, besides its id, which came with the request. */
function answerLetters({ classNames, labelNames = [], k }: Model, proba: boolean): number {
  const name = classNames.reduce((most, text) => Math.max(most, JSON.stringify(text).length), 0);
  // A number has at most 25 letters.
  const values = labelNames.reduce((sum, text) => sum + JSON.stringify(text).length + 27, 0);
  return 80 + name + values + (proba ? 26 * Math.max(k, 2) : 0);
}

function describe(model: Model, plan: ServePlan): object {
  const { task, loss, d, k, classNames, labelNames, fingerprint, columns } = model;
  const kernel = isKernelModel(model) ? { kernel: model.kernel, rows: model.n } : {};
  return {
    kind: isKernelModel(model) ? 'kernel' : 'linear',
    task,
    loss,
    ...kernel,
    features: d,
    scores: k,
    classNames,
    ...(labelNames && { labelNames }),
    probabilities: givesProbabilities(model),
    ...(columns && { columns }),
    fingerprint,
    limits: { bodyBytes: plan.maxBodyBytes, rows: plan.maxRows },
  };
}

/** Loads the model of a folder and makes it ready. */
export async function openServedModel(
  storage: Storage,
  path: string,
  plan: ServePlan,
  { nthreads }: Pick<ServeOptions, 'nthreads'>,
): Promise<ServedModel> {
  const model = await loadModel(storage, path);
  const predictor = await openPredictor(storage, model, {
    bufferBytes: plan.modelBytes,
    ...(nthreads === undefined ? {} : { nthreads }),
  });
  const most = (proba: boolean) =>
    Math.max(1, Math.min(plan.maxRows, Math.floor(plan.answerBytes / answerLetters(model, proba))));
  const limits = [most(false), most(true)] as const;
  return {
    predictor,
    isSlow: isKernelModel(model),
    fingerprint: model.fingerprint,
    description: Buffer.from(`${JSON.stringify(describe(model, plan))}\n`),
    mostRows: (proba) => limits[proba ? 1 : 0],
  };
}

/** 413 when the answer to so many rows would be too long. */
export function requireShortAnswer(served: ServedModel, rows: number, proba: boolean): void {
  const most = served.mostRows(proba);
  if (rows <= most) return;
  const what = proba ? 'rows with probabilities' : 'rows';
  throw new HttpError(
    413,
    'TOO_LARGE',
    `the answer to ${rows} ${what} is too long; send at most ${most} at a time`,
  );
}
