import { formatBytes } from '../memory/byteSize.js';
import type {
  ClassFigures,
  ClassificationReport,
  EvaluationReport,
  RankingNote,
} from '../model/evaluation/evaluationReport.js';
import type { OutputEvaluation } from '../ssgd/events.js';
import { columnLines } from './columnLines.js';
import { formatCount, formatLoss, formatQuality, ofOutputs } from './numbers.js';

/** Classes whose figures, and whose errors, are shown: more are in --json. */
const MOST_CLASSES = 40;
const MOST_CONFUSED = 20;

/** Columns of names; the others hold figures. */
const isFirst = (column: number) => column === 0;
const digits = (figure: number | null) => (figure === null ? '-' : figure.toFixed(4));

/** An evaluation in words: a line, and for a classification the tables of its classes, errors and probabilities. */
export function evaluationText(title: string, report: EvaluationReport): string {
  const { classification, mae } = report;
  const { outputs, ...figures } = report;
  const first = `${title}: loss ${formatLoss(report.loss)}, ${formatQuality(figures)}`;
  if (classification === undefined) {
    const line = `${first}${mae === undefined ? '' : `, mae ${formatLoss(mae)}`}`;
    return outputs === undefined
      ? `${line}\n`
      : `${[`${line}${ofOutputs(outputs.length)}`, '', ...outputTable(outputs)].join('\n')}\n`;
  }
  const lines = [first, ...overall(classification), '', ...classTable(classification)];
  if (classification.confusion !== null && classification.classes.length <= MOST_CONFUSED)
    lines.push('', 'rows of a class (down) by class predicted (across)', ...confusionTable(classification));
  if (classification.calibration !== null) lines.push('', ...calibrationTable(classification));
  return `${lines.join('\n')}\n`;
}

function overall({ classes, macro, logLoss, calibration, ranking }: ClassificationReport): string[] {
  const many = classes.length > 2 ? ' (mean over classes, each against the rest)' : '';
  const rank =
    macro.rocAuc === null
      ? []
      : [`roc auc ${digits(macro.rocAuc)}, average precision ${digits(macro.averagePrecision)}${many}`];
  const probable = [
    ...(logLoss === null ? [] : [`log loss ${formatLoss(logLoss)}`]),
    ...(calibration === null ? [] : [`calibration error ${digits(calibration.expectedError)}`]),
  ];
  return [
    ...rank.map((line) => `${line}; ${rankingWords(ranking)}`),
    ...(rank.length === 0 && ranking.method === 'none' ? [rankingWords(ranking)] : []),
    ...(probable.length === 0 ? [] : [probable.join(', ')]),
  ];
}

/** How the areas were found, and how far they may be off. */
function rankingWords(note: RankingNote): string {
  const { method, rocAucError, averagePrecisionError, scratchBytes, bins, exactBufferBytes } = note;
  const better =
    exactBufferBytes === 0 ? '' : `; --buffer=${Math.ceil(exactBufferBytes / 1e4) / 100} makes them exact`;
  switch (method) {
    case 'memory':
      return 'exact, sorted in memory';
    case 'scratch':
      return `exact, sorted on disk (${formatBytes(scratchBytes)})`;
    case 'histogram':
      return `from ${bins} bins a class, off by at most ${rocAucError.toExponential(1)} and ${averagePrecisionError.toExponential(1)}${better}`;
    case 'none':
      return `no room for roc auc and average precision${better}`;
  }
}

function outputTable(outputs: readonly OutputEvaluation[]): string[] {
  const shown = outputs.slice(0, MOST_CLASSES);
  const rows = shown.map(({ name = '', rmse, r2, mae = 0 }) => [
    name.length > 24 ? `${name.slice(0, 23)}…` : name,
    ...[rmse, mae].map(formatLoss),
    digits(r2),
  ]);
  const lines = columnLines([['output', 'rmse', 'mae', 'r2'], ...rows], isFirst);
  return shown.length < outputs.length
    ? [...lines, `… ${outputs.length - shown.length} more outputs in --json`]
    : lines;
}

function classTable({ classes, macro, weighted }: ClassificationReport): string[] {
  const figures = ({ precision, recall, f1, rocAuc, averagePrecision }: ClassFigures) =>
    [precision, recall, f1, rocAuc, averagePrecision].map(digits);
  const shown = classes.slice(0, MOST_CLASSES);
  const rows = [
    ['class', 'rows', 'predicted', 'precision', 'recall', 'f1', 'roc auc', 'avg precision'],
    ...shown.map((report) => [
      labelOf(report),
      formatCount(report.rows),
      formatCount(report.predicted),
      ...figures(report),
    ]),
    ['mean', '', '', ...figures(macro)],
    ['weighted', '', '', ...figures(weighted)],
  ];
  const lines = columnLines(rows, isFirst);
  if (shown.length < classes.length)
    lines.splice(-2, 0, `… ${classes.length - shown.length} more classes in --json`);
  return lines;
}

function labelOf({ class: number, name }: ClassificationReport['classes'][number]): string {
  if (name === undefined || name === String(number)) return String(number);
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}

function confusionTable({ classes, confusion }: ClassificationReport): string[] {
  const labels = classes.map(labelOf);
  const rows = confusion!.map((row, c) => [labels[c]!, ...row.map(formatCount)]);
  return columnLines([['', ...labels], ...rows], isFirst);
}

function calibrationTable({ classes, calibration }: ClassificationReport): string[] {
  const header =
    classes.length === 2
      ? ['probability', 'rows', 'mean', 'of class 1']
      : ['probability', 'rows', 'mean', 'right'];
  const rows = calibration!.bins
    .filter(({ rows }) => rows > 0)
    .map(({ from, to, rows, probability, share }) => [
      `${from.toFixed(2)}-${to.toFixed(2)}`,
      formatCount(rows),
      digits(probability),
      digits(share),
    ]);
  return columnLines([header, ...rows], isFirst);
}
