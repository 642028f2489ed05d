import { allFinite } from '../../data/badValue.js';
import { textOf } from '../../data/columns/cells.js';
import type { RowFile } from '../../data/rowFile.js';
import { labelCount, rowLayout } from '../../data/rowLayout.js';
import { FeatureRows, featureRowBytes } from '../../data/table/featureRows.js';
import type { TableBatch, TableSource } from '../../data/table/tableSource.js';
import { MlmlError } from '../../errors.js';
import { openKernelScorer } from '../../kernel/predict/scoreKernelRows.js';
import { budgetTooSmall } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import { openScorer, type ScoredBlock } from '../../ssgd/score.js';
import type { Storage } from '../../storage/storage.js';
import { defaultThreads } from '../../threads/defaultThreads.js';
import { commonLayout, comparedIn, rowsIn } from '../commonLayout.js';
import { openModelRows } from '../kernelRows.js';
import { isKernelModel, type Model } from '../saveModel.js';
import { leastBytes, type ScoringOptions } from '../scoreModel.js';
import type { TableFit } from './tableFit.js';

/** Scores of some rows of a table. The arrays are reused: valid until the next block is asked for. */
export interface TableScores extends ScoredBlock {
  /** The text of the id of each row; absent when rows have none. */
  readonly ids?: readonly string[];
  /** These are the last rows for now: more may take their time. */
  readonly pause: boolean;
}

/** How a table is scored. */
export interface TableScoringOptions extends ScoringOptions {
  /** The budget of which `bufferBytes` is the share for scoring, for messages. Default: the same. */
  readonly budgetBytes?: number;
}

/** The error of a share of the budget that is too small: it tells of the whole. */
export function shareTooSmall(
  job: string,
  neededBytes: number,
  { bufferBytes, budgetBytes = bufferBytes }: Pick<TableScoringOptions, 'bufferBytes' | 'budgetBytes'>,
): MlmlError {
  return budgetTooSmall(job, (neededBytes / bufferBytes) * budgetBytes, budgetBytes);
}

/** Rows that are scored in another way than as features of a table: their scores, by the model they were opened for. */
export interface OwnScores extends TableSource {
  /** In their order; `labelled`: labels are needed, and what the model does not know is an error. */
  scores(options: TableScoringOptions, labelled: boolean): AsyncGenerator<TableScores>;
}

/** Rows encoded at a time by linear models need not take more bytes. */
const BLOCK_BYTES = 256 * 1024;
const MOST_ROWS = 1024;
/** A kernel model compares a block with all its training rows, which should serve many. */
const MOST_KERNEL_ROWS = 4096;

/** Rows of features that a quarter of the budget holds, and their layout. */
function planRows(model: Model, bufferBytes: number) {
  const kernel = isKernelModel(model);
  // Rows of a table are dense, whatever those of the model are.
  const { dtype, labelDtype } = kernel
    ? model.geometry.layout
    : ({ dtype: 'float64', labelDtype: 'float64' } as const);
  const layout = rowLayout(model.d, dtype, labelDtype, labelCount(model));
  const one = featureRowBytes(layout, 1);
  const bytes = kernel ? bufferBytes / 4 : Math.min(bufferBytes / 4, BLOCK_BYTES);
  const rows = Math.min(kernel ? MOST_KERNEL_ROWS : MOST_ROWS, Math.floor(bytes / one));
  return { layout, rows: Math.max(1, rows), bytes: one * Math.max(1, rows) };
}

/**
 * Scores of all rows of a table, in order, inside `bufferBytes` (the reader of the table has its own memory). Labels are those of the
 * table when `fit` has them and `labelled`.
 *
 * @throws MlmlError `MLML_BAD_DATA` naming the place of a value that cannot be used, `MLML_BUDGET_TOO_SMALL`
 */
export async function* scoreTable(
  storage: Storage,
  model: Model,
  source: TableSource,
  fit: TableFit,
  options: TableScoringOptions,
  labelled = false,
): AsyncGenerator<TableScores> {
  if ('scores' in source) {
    yield* (source as OwnScores).scores(options, labelled);
    return;
  }
  const { bufferBytes, signal, nthreads = defaultThreads() } = options;
  const bytesIn = (budget: number) => {
    const { layout, rows, bytes } = planRows(model, budget);
    return bytes + leastBytes(model, { layout, rows }, nthreads);
  };
  const { layout, rows: capacity, bytes } = planRows(model, bufferBytes);
  if (bytesIn(bufferBytes) > bufferBytes) {
    const what = `scoring tables by ${model.d} features x ${model.k} columns`;
    throw shareTooSmall(what, smallestBudget(bytesIn, bufferBytes), options);
  }
  const labels = labelled ? fit.labels : undefined;
  const rows = new FeatureRows(fit.encoder, source.columns, layout, capacity, labels);
  const scorer = await openTableScorer(storage, model, rows, {
    ...options,
    nthreads,
    bufferBytes: bufferBytes - bytes,
  });
  // Rows of a pipe are answered as they come; of a file, blocks are filled.
  const prompt = !source.repeatable || !isKernelModel(model);
  let firstRow = 0;
  let ids: string[] = [];
  /** Where rows stand, for messages, while their batch is there. */
  let places: { batch: TableBatch; from: number } | undefined;
  const score = async function* (pause: boolean): AsyncGenerator<TableScores> {
    const file = rows.file();
    for await (const block of scorer.blocks(file, signal)) {
      const from = block.firstRow;
      if (!allFinite(block.scores, block.rows * model.k)) throw tooLarge(source, places, firstRow + from);
      yield {
        ...block,
        firstRow: firstRow + from,
        ...(fit.id === undefined ? {} : { ids: ids.slice(from, from + block.rows) }),
        pause: pause && from + block.rows === file.rows,
      };
    }
    firstRow += file.rows;
    ids = [];
    rows.clear();
  };
  try {
    for await (const batch of source.batches(signal)) {
      for (let from = 0; from < batch.rows; ) {
        const count = Math.min(batch.rows - from, capacity - rows.rows);
        places = rows.rows === 0 ? { batch, from } : undefined;
        rows.add(batch, from, count);
        if (fit.id !== undefined)
          for (let i = 0; i < count; i++) ids.push(textOf(batch.cell(from + i, fit.id)));
        from += count;
        const last = from === batch.rows;
        if (rows.rows === capacity || (prompt && last)) yield* score(last && !source.repeatable);
      }
    }
    places = undefined;
    if (rows.rows > 0) yield* score(true);
  } finally {
    await scorer.close();
  }
}

interface TableScorer {
  blocks(file: RowFile, signal?: AbortSignal): AsyncGenerator<ScoredBlock>;
  close(): Promise<void>;
}

async function openTableScorer(
  storage: Storage,
  model: Model,
  { layout, capacity }: FeatureRows,
  options: ScoringOptions & { readonly nthreads: number },
): Promise<TableScorer> {
  if (!isKernelModel(model)) {
    // Reading a table takes longer than its scores: one thread is enough.
    const { scorer, threads } = await openScorer(
      model,
      { layout, rows: capacity },
      { ...options, nthreads: 1 },
    );
    return { blocks: (file, signal) => scorer.blocks(file, signal), close: () => threads.close() };
  }
  const common = commonLayout(model, { layout, rows: capacity });
  const training = await openModelRows(storage, model, common);
  try {
    const compared = comparedIn(model, common);
    const rows = { layout: common.longest === undefined ? layout : common, rows: capacity };
    const scorer = await openKernelScorer(compared, training.rows, rows, options);
    return {
      blocks: (file, signal) => scorer.blocks(rowsIn(file, common), signal),
      async close() {
        await scorer.close();
        await training.close();
      },
    };
  } catch (error) {
    await training.close();
    throw error;
  }
}

function tooLarge(
  { name }: TableSource,
  places: { batch: TableBatch; from: number } | undefined,
  row: number,
): MlmlError {
  const where =
    places === undefined
      ? `${name}: row ${row} or one soon after it`
      : `${places.batch.place(places.from)} or a row soon after it`;
  return new MlmlError(
    'MLML_BAD_DATA',
    `${where}: the scores are not finite: its values are far larger than those the model was trained on`,
  );
}
