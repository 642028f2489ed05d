import { formatBytes } from '../memory/byteSize.js';
import type { CrossValidatedModel, Fate, FoldFigures, OutputEvaluation } from '../ssgd/events.js';
import { crossValidationTable } from './crossValidationTable.js';
import { formatCount, formatLoss, formatQuality, formatSeconds } from './numbers.js';
import { sweepTable } from './sweepTable.js';

/** Bytes the JavaScript heap may add to the budget. */
export const HEAP_ALLOWANCE = 16e6;
/** Bytes a worker thread takes: its engine, not the job's data. */
export const THREAD_ALLOWANCE = 9e6;

/** What a job may take beyond what the process has when it starts. */
export function allowedBytes(bufferBytes: number, threads: number): number {
  return bufferBytes + HEAP_ALLOWANCE + (threads - 1) * THREAD_ALLOWANCE;
}

/** Loss and accuracy (classification) or rmse and r2 (regression). What running figures do not tell is absent. */
export type Score =
  | { readonly loss: number; readonly accuracy: number }
  | {
      readonly loss: number;
      readonly rmse?: number;
      readonly r2?: number;
      /** Of each output, in their order, when a regression has several; the others are their means then. */
      readonly outputs?: readonly OutputEvaluation[];
    };

/** A model of a sweep. */
export interface SweepLine {
  /** Its number in the grid, from 0. */
  readonly model: number;
  readonly options: Readonly<Record<string, string | number>>;
  readonly fate: Fate;
  readonly holdout: Score | null;
  /** Rows it was updated with. */
  readonly samples: number;
}

/** A model (of a sweep) judged by cross-validation; null where it diverged. */
export interface CrossValidationLine {
  readonly model: number;
  readonly options: Readonly<Record<string, string | number>>;
  readonly fate: Fate;
  /** Fold by fold. */
  readonly folds: readonly (Score & { readonly rows: number })[] | null;
  readonly mean: Score | null;
  readonly deviation: Score | null;
}

/** The object of `--json`: exactly these keys, in this order. */
export interface TrainSummary {
  readonly verb: string;
  readonly dataset: string;
  readonly n: number;
  readonly d: number;
  readonly k: number;
  readonly epochs: number;
  readonly train: Score | null;
  /** Of what `train` speaks: the rows of the last epoch while the weights moved, or all training rows, scored in the end. */
  readonly trainIs: 'running' | 'evaluation' | null;
  /** null when the data set has no test rows. */
  readonly test: Score | null;
  /** On the held-out rows; null when none are. */
  readonly holdout: Score | null;
  /** With --patience: the epoch, counted from 1, whose weights are the model; else null. */
  readonly bestEpoch: number | null;
  /** sgd, ssgd, hsgd: how often the automatic learning rate was halved after a divergence that was recovered from; else null. */
  readonly halvings: number | null;
  /** With --sweep: its models, the best first; else null. */
  readonly sweep: readonly SweepLine[] | null;
  /** With --folds: the model, or with --sweep its models, the best first; else null. */
  readonly crossValidation: readonly CrossValidationLine[] | null;
  readonly seconds: number;
  readonly samples: number;
  readonly samplesPerSecond: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bufferBytes: number;
  /** At work, the main thread included. */
  readonly nthreads: number;
  readonly plannedPeakBytes: number;
  readonly peakRssBytes: number;
  readonly baselineRssBytes: number;
  /** Folders. */
  readonly run: string;
  readonly model: string;
}

/** The figures of an evaluation that belong in a result. */
export function scoreOf(evaluation: FoldFigures | undefined): Score | null {
  if (evaluation === undefined) return null;
  const { loss, accuracy, rmse, r2, outputs } = evaluation;
  if (accuracy !== undefined) return { loss, accuracy };
  const ofEach = outputs === undefined ? {} : { outputs };
  return { loss, ...(rmse === undefined ? {} : { rmse }), ...(r2 === undefined ? {} : { r2 }), ...ofEach };
}

/** A model of a cross-validation, as results have it. */
export function crossValidationLine(line: CrossValidatedModel): CrossValidationLine {
  const { model, options, fate, evaluations, mean, deviation } = line;
  const folds =
    evaluations?.map((evaluation) => ({ rows: evaluation.rows, ...scoreOf(evaluation)! })) ?? null;
  return { model, options, fate, folds, mean: scoreOf(mean), deviation: scoreOf(deviation) };
}

/** The figures of a score, in words. */
export function scoreLine(score: Score): string {
  const quality = formatQuality(score);
  return `loss ${formatLoss(score.loss)}${quality === '' ? '' : `, ${quality}`}`;
}

/** Memory used against what was allowed. */
export function memoryLine(
  summary: Pick<TrainSummary, 'peakRssBytes' | 'baselineRssBytes' | 'bufferBytes' | 'nthreads'>,
): string {
  const { peakRssBytes, baselineRssBytes, bufferBytes, nthreads } = summary;
  const workers = nthreads - 1;
  const above = formatBytes(Math.max(0, peakRssBytes - baselineRssBytes));
  const threads =
    workers === 0
      ? ''
      : ` + ${formatBytes(workers * THREAD_ALLOWANCE)} for ${workers} more ${workers === 1 ? 'thread' : 'threads'}`;
  return (
    `memory  peak RSS ${formatBytes(peakRssBytes)}: ${above} above the ${formatBytes(baselineRssBytes)} of Node ` +
    `itself; allowed ${formatBytes(bufferBytes)} + ${formatBytes(HEAP_ALLOWANCE)}${threads}`
  );
}

/** The end of a run, in words. */
export function summaryText(summary: TrainSummary, csv: string | undefined): string {
  const { seconds, bytesRead, bytesWritten } = summary;
  const speed = (bytesRead + bytesWritten) / 1e6 / Math.max(seconds, 1e-9);
  const lines: string[] = summary.sweep === null ? [] : [...sweepTable(summary.sweep), ''];
  // Runs of before have none.
  if (summary.crossValidation) lines.push(...crossValidationTable(summary.crossValidation), '');
  if (summary.test !== null) lines.push(`test    ${scoreLine(summary.test)}`);
  if (summary.holdout !== null) {
    const epoch =
      summary.bestEpoch === null ? '' : ` (after epoch ${summary.bestEpoch}, whose weights are kept)`;
    lines.push(`holdout ${scoreLine(summary.holdout)}${epoch}`);
  }
  if (summary.train !== null) {
    lines.push(
      `train   ${scoreLine(summary.train)}${summary.trainIs === 'running' ? ' (while training, last epoch)' : ''}`,
    );
  }
  lines.push(
    `time    ${formatSeconds(seconds)}: ${formatCount(summary.samples)} samples, ` +
      `${formatCount(summary.samplesPerSecond)} samples/s, ${speed.toPrecision(3)} MB/s ` +
      `(read ${formatBytes(bytesRead)}, wrote ${formatBytes(bytesWritten)})`,
    memoryLine(summary),
    `run     ${summary.run}`,
    `model   ${summary.model}`,
  );
  if (csv !== undefined) lines.push(`log     ${csv}`);
  return `${lines.join('\n')}\n`;
}
