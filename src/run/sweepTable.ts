import type { Fate } from '../ssgd/events.js';
import { columnLines } from './columnLines.js';
import { formatCount, formatLoss, formatShare } from './numbers.js';
import type { SweepLine } from './summary.js';

const fates: Record<Fate, (line: SweepLine) => string> = {
  trained: () => '',
  stopped: () => 'stopped',
  dropped: ({ samples }) => `dropped after ${formatCount(samples)} rows`,
  diverged: ({ samples }) => `diverged after ${formatCount(samples)} rows`,
};

/** The models of a sweep as lines of a table, the best first. */
export function sweepTable(models: readonly SweepLine[]): string[] {
  const names = Object.keys(models[0]?.options ?? {});
  const classification = models.some(({ holdout }) => holdout !== null && 'accuracy' in holdout);
  const figures = classification ? ['accuracy', 'loss'] : ['rmse', 'r2'];
  const rows = models.map((line, i) => [
    i === 0 ? 'sweep' : '',
    ...names.map((name) => String(line.options[name])),
    ...figuresOf(line),
    fates[line.fate](line),
  ]);
  // Figures stand below each other in this table and in the lines behind it, which begin with `holdout `.
  const header = [' '.repeat('holdout'.length - 1), ...names, ...figures, ''];
  const last = header.length - 1;
  return columnLines([header, ...rows], (column) => column === 0 || column === last);
}

function figuresOf({ holdout }: SweepLine): [string, string] {
  if (holdout === null) return ['-', '-'];
  if ('accuracy' in holdout) return [formatShare(holdout.accuracy), formatLoss(holdout.loss)];
  const { rmse, r2 } = holdout;
  return [rmse === undefined ? '-' : formatLoss(rmse), r2 === undefined ? '-' : r2.toFixed(4)];
}
