import type { Dataset } from '../../src/data/dataset.js';
import type { Task } from '../../src/data/format.js';
import type { SparseDataset } from '../../src/data/sparse/sparseDataset.js';
import { Random } from '../../src/memory/random.js';
import { openSparseRows } from './sparseFixture.js';
import { makeDataset, type TinyRows } from './tinyDataset.js';

export interface RareRows {
  readonly rows?: number;
  readonly task?: Task;
  /** Of the targets. */
  readonly size?: number;
  readonly seed?: number;
}

/**
 * Rows of which one in 1200 is of a category of its own, so that its standardised feature is about 35 and its squared norm 100 times
 * that of the others. With d = 6 features: four normal ones, the rare category, and one that half of the rows are of.
 */
export function rareRows({ rows = 2400, task = 'regression', size = 1, seed = 1 }: RareRows = {}): TinyRows {
  const random = Random.of(seed, 55);
  const features: number[][] = [];
  const labels: number[] = [];
  for (let i = 0; i < rows; i++) {
    const rare = i % 1200 === 700 ? 1 : 0;
    const common = random.below(2);
    const row = [random.normal(), random.normal(), random.normal(), random.normal(), rare, common];
    const score = row[0]! - 0.5 * row[1]! + 0.25 * row[2]! + 3 * rare - common + 0.5 * random.normal();
    features.push(row);
    labels.push(task === 'regression' ? size * (score + 2) : Number(score > 0));
  }
  return { features, labels };
}

/** The same rows as data sets that standard scaling makes rare rows long in: dense and sparse. */
export async function rareDatasets(
  given: RareRows = {},
): Promise<Readonly<Record<'dense' | 'sparse', Dataset | SparseDataset>>> {
  const { task = 'regression' } = given;
  const train = rareRows(given);
  const pairs = train.features.map((row) =>
    row.flatMap((value, j) => (value === 0 ? [] : [[j, Math.fround(value)] as const])),
  );
  const sparseRows = train.labels.map((label, i) => ({ label, pairs: pairs[i]! }));
  const k = task === 'regression' ? 1 : 2;
  return {
    dense: await makeDataset({ task, train }),
    sparse: await openSparseRows({ task, d: 6, k, train: sparseRows }),
  };
}
