import { loadKernels } from '../../arithmetic/kernels.js';
import { allFinite } from '../../data/badValue.js';
import { decompressed } from '../../data/import/libsvm/importLibsvm.js';
import { LibsvmReader, longestLine } from '../../data/import/libsvm/libsvmReader.js';
import { ShapeSurvey } from '../../data/import/libsvm/libsvmShape.js';
import { SourceFiles } from '../../data/import/sourceFiles.js';
import { RecordView, recordWords, sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { layOut } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { LinearModel } from '../../ssgd/linearModel.js';
import { SCORE_READ, SCORED_ROWS, sparseScorerRegions } from '../../ssgd/sparse/planSparse.js';
import { foldModel } from '../../ssgd/sparse/sparseScorer.js';
import type { Storage } from '../../storage/storage.js';
import { isKernelModel, type Model } from '../saveModel.js';
import { type OwnScores, shareTooSmall, type TableScoringOptions } from './scoreTable.js';

/** Rows by which it is found out whether indices begin at 0. */
const GUESS_ROWS = 4096;
const LABEL_COLUMN = 'label';

/** How LIBSVM text is read for a model. */
export interface ModelLibsvmOptions {
  readonly signal?: AbortSignal;
  /** Is told of features that the model does not have. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens LIBSVM text as what a linear model is to score, streaming: the features of a row by their numbers, behind its label. Features
 * that the model does not have are left out, with a warning at the end: their weights are 0. The caller closes the table.
 *
 * @throws MlmlError `MLML_USAGE` for a kernel model, and for a model of a table
 */
export async function openModelLibsvm(
  storage: Storage,
  model: Model,
  path: string,
  options: ModelLibsvmOptions,
): Promise<{ readonly model: Model; readonly source: OwnScores }> {
  if (model.columns !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${path}: the model takes a table by the names of its columns, and LIBSVM text has none; give a table (CSV, JSON lines, …)`,
    );
  if (isKernelModel(model))
    throw new MlmlError(
      'MLML_USAGE',
      `${path}: a kernel model takes LIBSVM text as a data set; import it first: mlml import ${path} --d=${model.d} --percentage=1 --out=<folder>, then give that folder and --part=train`,
    );
  const kind = model.task === 'classification' ? 'class' : 'number';
  const columns = { features: [], label: { column: LABEL_COLUMN, kind } } as const;
  return { model: { ...model, columns }, source: new LibsvmTable(storage, model, path, options) };
}

class LibsvmTable implements OwnScores {
  readonly name: string;
  readonly columns = [LABEL_COLUMN];
  readonly types = ['number'] as const;
  readonly repeatable = true;
  readonly #storage: Storage;
  readonly #model: LinearModel;
  readonly #options: ModelLibsvmOptions;
  readonly #classes: ReadonlyMap<number, number> | undefined;

  constructor(storage: Storage, model: LinearModel, path: string, options: ModelLibsvmOptions) {
    this.name = path;
    this.#storage = storage;
    this.#model = model;
    this.#options = options;
    const { task, k, classNames } = model;
    const names = classNames.length > 0 ? classNames : Array.from({ length: Math.max(k, 2) }, (_, c) => c);
    this.#classes =
      task === 'classification' ? new Map(names.map((name, c) => [Number(name), c])) : undefined;
  }

  batches(): never {
    throw new MlmlError('MLML_INTERNAL', `${this.name}: sparse rows are scored as they are`);
  }

  async *scores(
    options: Pick<TableScoringOptions, 'bufferBytes' | 'budgetBytes' | 'signal'>,
    labelled: boolean,
  ) {
    const { bufferBytes, signal } = options;
    const { d, k, labelNames } = this.#model;
    if (labelled && labelNames !== undefined)
      throw new MlmlError(
        'MLML_MISMATCH',
        `${this.name}: rows of LIBSVM text have one label, the model predicts ${k} (${labelNames.slice(0, 10).join(', ')})`,
      );
    const longest = 4 * recordWords(d, 'float64');
    const regionsIn = (budget: number) => {
      const bytes = Math.min(Math.max(SCORE_READ, longest), budget / 4);
      return sparseScorerRegions(d, k, Math.floor(bytes / 8) * 4);
    };
    const bytesIn = (budget: number) => layOut(regionsIn(budget)).totalBytes;
    if (bytesIn(bufferBytes) > bufferBytes)
      throw shareTooSmall(
        `scoring ${d} sparse features x ${k} columns`,
        smallestBudget(bytesIn, bufferBytes),
        options,
      );
    const regions = regionsIn(bufferBytes);
    const arena = new Arena(regions);
    const kernels = loadKernels(arena.memory);
    const [weights, intercept] = [arena.float64('score weights'), arena.float64('score intercept')];
    foldModel(this.#model, { weights, intercept });
    const record = new RecordView(arena.uint8('score rows'), 'float64');
    const order = arena.uint32('score order');
    const capacity = Math.min(SCORED_ROWS, order.length);
    const [scores, labels] = [arena.float64('score scores'), arena.float64('score labels')];
    const [base, at, code] = [record.bytes.byteOffset, order.byteOffset, sparseDtypeCodes.float64];
    let [firstRow, rows, used, leftOut] = [0, 0, 0, 0];
    let firstPlace = '';
    const take = () => {
      kernels.sparseScores64(
        base,
        at,
        0,
        rows,
        code,
        weights.byteOffset,
        k,
        intercept.byteOffset,
        scores.byteOffset,
        labels.byteOffset,
      );
      if (!allFinite(scores, rows * k))
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${firstPlace}: the score of this row, or of one of the ${SCORED_ROWS} from there, is not finite: its values are too large`,
        );
      const block = { firstRow, rows, scores, labels, pause: false };
      firstRow += rows;
      rows = 0;
      used = 0;
      return block;
    };
    const first = (await this.#beginsAtZero(bufferBytes)) ? 0 : 1;
    const reading = await this.#open(bufferBytes);
    const { reader } = reading;
    try {
      do {
        signal?.throwIfAborted();
        while (reader.next()) {
          const { indices, values } = reader;
          if (first === 1 && reader.nonzeros > 0 && indices[0] === 0)
            throw reader.fault(
              `index 0 appears, but in the first ${GUESS_ROWS} rows indices begin at 1; import the text first: mlml import ${this.name} --out=<folder>`,
            );
          // Indices rise.
          let nonzeros = 0;
          for (; nonzeros < reader.nonzeros; nonzeros++) {
            const index = indices[nonzeros]! - first;
            if (index >= d) break;
            indices[nonzeros] = index;
          }
          leftOut += reader.nonzeros - nonzeros;
          const words = recordWords(nonzeros, 'float64');
          if (words > record.words.length)
            throw reader.fault(
              `the row has ${nonzeros} values, more than --buffer has room for; give a larger one`,
            );
          if (rows === capacity || used + words > record.words.length) yield take();
          if (rows === 0) firstPlace = reader.place;
          order[rows++] = used;
          used = record.write(used, this.#label(reader, labelled), nonzeros, indices, values);
        }
      } while (await reader.more());
      if (rows > 0) yield take();
    } finally {
      await reading.close();
    }
    if (leftOut > 0)
      this.#options.onWarning?.(
        `${this.name}: ${leftOut} ${leftOut === 1 ? 'value' : 'values'} of features beyond the ${d} of the model left out`,
      );
  }

  /** Numbers of classes; without `labelled` any label will do. */
  #label(reader: LibsvmReader, labelled: boolean): number {
    if (this.#classes === undefined) return reader.label;
    const number = this.#classes.get(reader.label);
    if (number !== undefined) return number;
    if (!labelled) return 0;
    const names = [...this.#classes.keys()].slice(0, 20).join(', ');
    throw reader.fault(`label ${reader.label} is none of the classes ${names}`);
  }

  async #open(bufferBytes: number) {
    const { signal } = this.#options;
    const sources = new SourceFiles(this.#storage, this.name, signal === undefined ? {} : { signal });
    const chunks = decompressed(await sources.open(this.name));
    const reader = new LibsvmReader(chunks, this.name, longestLine(bufferBytes));
    const close = async () => {
      await reader.close();
      await sources.close();
    };
    return { reader, close };
  }

  async #beginsAtZero(bufferBytes: number): Promise<boolean> {
    const { reader, close } = await this.#open(bufferBytes);
    try {
      const survey = new ShapeSurvey();
      await survey.read(reader, GUESS_ROWS);
      return survey.shape.zeroBased;
    } finally {
      await close();
    }
  }

  async records() {
    return [];
  }

  async close(): Promise<void> {}
}
