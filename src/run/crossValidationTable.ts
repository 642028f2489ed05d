import { columnLines } from './columnLines.js';
import { formatCount, formatLoss, formatShare } from './numbers.js';
import type { CrossValidationLine, Score } from './summary.js';

/** Two significant digits, without an exponent where that stays short. */
function formatDeviation(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && (value < 1e-4 || value >= 1e6)) return value.toExponential(1);
  return value < 10 ? value.toPrecision(2) : value.toFixed(0);
}

/** The figures shown, the first the one that models are compared by. */
function figuresOf(
  score: Score,
  formatNumber = formatLoss,
): [name: string, value: number, text: (value: number) => string][] {
  if ('accuracy' in score)
    return [
      ['accuracy', score.accuracy, formatShare],
      ['loss', score.loss, formatNumber],
    ];
  const { rmse, r2, loss } = score;
  // What is no number was written as null.
  return [
    ['rmse', rmse ?? Number.NaN, formatNumber],
    ['r2', r2 ?? Number.NaN, (value) => value.toFixed(4)],
    ['loss', loss, formatNumber],
  ];
}

/** `91.23 % ± 0.42 %`, figure by figure. */
function withDeviation({ mean, deviation }: CrossValidationLine): string[] {
  const deviations = figuresOf(deviation!, formatDeviation).map(([_, value, text]) => text(value));
  return figuresOf(mean!).map(([_, value, text], i) => `${text(value)} ± ${deviations[i]}`);
}

/** `5 folds: accuracy 91.23 % ± 0.42 %, loss 0.2345 ± 0.0123`, of a model that did not diverge. */
export function crossValidationWords(line: CrossValidationLine): string {
  const figures = withDeviation(line);
  const words = figuresOf(line.mean!).map(([name], i) => `${name} ${figures[i]}`);
  return `${line.folds!.length} folds: ${words.join(', ')}`;
}

/** A cross-validation as lines of a table: the folds of one model, or the means of several, the best first. */
export function crossValidationTable(lines: readonly CrossValidationLine[]): string[] {
  const [best] = lines;
  return Object.keys(best!.options).length === 0 ? foldTable(best!) : modelTable(lines);
}

function foldTable({ folds, mean, deviation }: CrossValidationLine): string[] {
  const cells = (score: Score, formatNumber = formatLoss) =>
    figuresOf(score, formatNumber).map(([_, value, text]) => text(value));
  const names = figuresOf(mean!).map(([name]) => name);
  const rows = [
    [`${folds!.length} folds`, 'rows', ...names],
    ...folds!.map((fold, i) => [String(i + 1), formatCount(fold.rows), ...cells(fold)]),
    ['mean', '', ...cells(mean!)],
    ['deviation', '', ...cells(deviation!, formatDeviation)],
  ];
  return columnLines(rows, (column) => column === 0);
}

function modelTable(lines: readonly CrossValidationLine[]): string[] {
  const [best] = lines;
  const names = Object.keys(best!.options);
  const figures = figuresOf(best!.mean!).map(([name]) => name);
  const rows = lines.map((line, i) => [
    i === 0 ? 'best' : '',
    ...names.map((name) => String(line.options[name])),
    ...(line.mean === null ? figures.map(() => '-') : withDeviation(line)),
    line.mean === null ? line.fate : '',
  ]);
  const header = [`${best!.folds!.length} folds`, ...names, ...figures, ''];
  const last = header.length - 1;
  return columnLines([header, ...rows], (column) => column === 0 || column === last);
}
