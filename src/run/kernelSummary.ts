import type { KernelFunction } from '../kernel/functions/kernelFunction.js';
import type { GenerateResult, KernelTrainResult } from '../kernel/jobs.js';
import { formatBytes } from '../memory/byteSize.js';
import { formatCount, formatLoss, formatSeconds, formatShare } from './numbers.js';
import { memoryLine, type Score, scoreLine } from './summary.js';

/** The object of `--json` for a kernel model: exactly these keys, in this order. */
export interface KernelSummary {
  readonly verb: string;
  /** What ran: for krr the solver picked. */
  readonly solver: string;
  readonly dataset: string;
  readonly n: number;
  readonly d: number;
  readonly k: number;
  /** Of the stored kernel; null when it was computed as needed. */
  readonly memId: string | null;
  readonly kernel: KernelFunction;
  /** The one kept. */
  readonly regularization: number;
  readonly regularizations: KernelTrainResult['regularizations'];
  /** Accuracy or rmse. */
  readonly leaveOneOut: number | null;
  readonly passes: number;
  readonly residual: number;
  readonly stopped: KernelTrainResult['stopped'];
  readonly reasons: readonly string[];
  readonly train: Score | null;
  /** null when the data set has no test rows. */
  readonly test: Score | null;
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bufferBytes: number;
  readonly nthreads: number;
  readonly plannedPeakBytes: number;
  readonly peakRssBytes: number;
  readonly baselineRssBytes: number;
  /** Folders. */
  readonly run: string;
  readonly model: string;
}

const stops: Readonly<Record<KernelTrainResult['stopped'], string>> = {
  tolerance: 'the residual is below --tol',
  patience: 'held-out accuracy has settled (--patience)',
  passes: 'all passes are done',
};

function traffic(seconds: number, bytesRead: number, bytesWritten: number): string {
  const speed = (bytesRead + bytesWritten) / 1e6 / Math.max(seconds, 1e-9);
  return (
    `${formatSeconds(seconds)}: read ${formatBytes(bytesRead)}, wrote ${formatBytes(bytesWritten)}, ` +
    `${speed.toPrecision(3)} MB/s`
  );
}

/** The table of `--reg=1,0.1,0.01`: a line each, the one kept marked. */
function regularizationTable(summary: KernelSummary, figure: (value: number) => string): string[] {
  const { regularizations, regularization, leaveOneOut } = summary;
  const validated = regularizations.some(({ validation }) => validation !== undefined);
  const validation = leaveOneOut === null ? 'held out' : 'leave-one-out';
  const lines = [
    `  ${'reg'.padStart(10)}${'residual'.padStart(12)}${validated ? validation.padStart(15) : ''}`,
  ];
  for (const each of regularizations) {
    const score = each.validation === undefined ? '' : figure(each.validation);
    lines.push(
      `  ${String(each.regularization).padStart(10)}${formatLoss(each.residual).padStart(12)}` +
        `${validated ? score.padStart(15) : ''}${each.regularization === regularization ? '  kept' : ''}`,
    );
  }
  return lines;
}

/** The end of a kernel run, in words. `kernelName`: the kernel with its parameters. */
export function kernelSummaryText(
  summary: KernelSummary,
  kernelName: string,
  classification: boolean,
  csv: string | undefined,
): string {
  const figure = (value: number) => (classification ? formatShare(value) : `rmse ${formatLoss(value)}`);
  const lines: string[] = [];
  if (summary.test !== null) lines.push(`test    ${scoreLine(summary.test)}`);
  if (summary.train !== null) lines.push(`train   ${scoreLine(summary.train)}`);
  if (summary.leaveOneOut !== null)
    lines.push(`left 1  ${figure(summary.leaveOneOut)} (by leaving one row out)`);
  const where = summary.memId === null ? 'computed as needed' : `stored as ${summary.memId}`;
  lines.push(`kernel  ${kernelName}, ${formatCount(summary.n)} rows, ${where}`);
  if (summary.regularizations.length > 1) lines.push(...regularizationTable(summary, figure));
  const passes = `${summary.passes} ${summary.passes === 1 ? 'pass' : 'passes'}`;
  lines.push(
    `solver  ${summary.solver}: ${passes}, residual ${formatLoss(summary.residual)} with reg ${summary.regularization}; ` +
      stops[summary.stopped],
    ...summary.reasons.map((reason) => `  - ${reason}`),
    `time    ${traffic(summary.seconds, summary.bytesRead, summary.bytesWritten)}`,
    memoryLine(summary),
    `run     ${summary.run}`,
    `model   ${summary.model}`,
  );
  if (csv !== undefined) lines.push(`log     ${csv}`);
  return `${lines.join('\n')}\n`;
}

/** The object of `mlml generate --json`. */
export interface GenerateSummary extends Omit<GenerateResult, 'plan'> {
  readonly dataset: string;
  readonly bufferBytes: number;
  readonly nthreads: number;
  readonly plannedPeakBytes: number;
  readonly peakRssBytes: number;
  readonly baselineRssBytes: number;
}

/** What `mlml generate` says; the memId is the last line. */
export function generateText(result: GenerateSummary, kernelName: string): string {
  const { dataset, n, tileSize, tiles, tilesMade, dtype, bytes, folder, memId, seconds } = result;
  const made = tilesMade === tiles ? '' : `, ${formatCount(tilesMade)} of them made now`;
  const lines = [
    `kernel  ${kernelName} of ${dataset}, ${formatCount(n)} rows`,
    `tiles   ${formatCount(tiles)} of ${formatCount(tileSize)} x ${formatCount(tileSize)} ${dtype}${made}`,
    `disk    ${formatBytes(bytes)} in ${folder}`,
    `time    ${traffic(seconds, result.bytesRead, result.bytesWritten)}`,
    memoryLine(result),
    memId,
  ];
  return `${lines.join('\n')}\n`;
}
