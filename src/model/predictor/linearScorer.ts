import { gather64Of } from '../../arithmetic/gather.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { rowLayout } from '../../data/rowLayout.js';
import { Arena, LARGEST_ARENA } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import type { LinearModel } from '../../ssgd/linearModel.js';
import { Scorer, scorerRegions } from '../../ssgd/score.js';
import { type MemoryScorer, MOST_ROWS } from './memoryScorer.js';

const ROWS = 'rows';
const SCORES = 'scores of rows';
const ALIGN = 64;
/** Rows scored together take at most this part of the budget. */
const ROWS_SHARE = 1 / 4;
/** Kernels may read so far behind the last row. */
const TAIL = 64;

/** Regions of a linear scorer that works inside `bufferBytes` where that is possible, else of the smallest. Pure. */
function linearScorerRegions(d: number, k: number, bufferBytes: number): readonly Region[] {
  const rowsAllowed = Math.floor((ROWS_SHARE * bufferBytes) / (8 * (d + k)));
  const rows = Math.max(1, Math.min(MOST_ROWS, rowsAllowed));
  const input = { name: ROWS, bytes: 8 * d * rows + TAIL };
  const output = { name: SCORES, bytes: 8 * k * rows };
  const left = bufferBytes - input.bytes - output.bytes - 2 * ALIGN;
  // Rows are never read: they are written where they are scored from.
  const scoring = scorerRegions(rowLayout(d, 'float64'), k, left).filter(({ name }) => name !== 'score rows');
  return [...scoring, output, input];
}

/** A scorer of rows by a linear model, in double precision. It keeps a copy of the weights and holds no file. */
export function openLinearScorer(model: LinearModel, bufferBytes: number): MemoryScorer {
  const { d, k } = model;
  const budget = Math.min(bufferBytes, LARGEST_ARENA);
  const regions = linearScorerRegions(d, k, budget);
  const { totalBytes } = layOut(regions);
  if (totalBytes > budget) {
    const least = layOut(linearScorerRegions(d, k, 0)).totalBytes;
    throw budgetTooSmall(`predicting with ${d} features x ${k} columns`, least, bufferBytes);
  }
  const arena = new Arena(regions);
  const kernels = loadKernels(arena.memory);
  // Puts weights, intercept and scaling where the kernels look for them.
  const scorer = new Scorer({ arena, kernels }, rowLayout(d, 'float64'), k, model.scaling);
  scorer.weights.set(model.weights);
  scorer.intercept.set(model.intercept);
  const gather = gather64Of(kernels, 'float64');
  const input = new Float64Array(
    arena.buffer,
    arena.address(ROWS),
    Math.floor((arena.byteLength(ROWS) - TAIL) / 8),
  );
  const mostRows = input.length / d;
  const together = Math.floor(arena.byteLength('score x') / 8 / d);
  const [rowsAt, scalingAt, x] = [
    arena.address(ROWS),
    arena.address('score scaling'),
    arena.address('score x'),
  ];
  const [weightsAt, interceptAt] = [arena.address('score weights'), arena.address('score intercept')];
  const scoresAt = arena.address('score scores');
  const scored = arena.float64('score scores');
  const scores = arena.float64(SCORES);
  return {
    mostRows,
    input,
    dtype: 'float64',
    plannedBytes: totalBytes,
    async score(rows) {
      for (let from = 0; from < rows; from += together) {
        const count = Math.min(together, rows - from);
        gather(rowsAt, 8 * d, 0, from, count, d, d, scalingAt, x);
        kernels.scores64(x, count, d, weightsAt, k, interceptAt, scoresAt);
        scores.set(scored.subarray(0, count * k), from * k);
      }
      return scores;
    },
    async close() {},
  };
}
