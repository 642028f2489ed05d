import { RecordView, recordWords, type SparseDtype } from '../../src/data/sparse/sparseRecord.js';
import type { MemoryStorage } from '../../src/storage/memoryStorage.js';

/** A sparse row as a plain list: label, then pairs of index (from 0) and value. */
export interface PlainSparseRow {
  readonly label: number;
  readonly pairs: readonly (readonly [number, number])[];
}

/** LIBSVM text read the plain way, by splitting strings; undefined where a line is not right. Indices as they stand. */
export function plainLibsvm(text: string): PlainSparseRow[] | undefined {
  const rows: PlainSparseRow[] = [];
  const number = (word: string) =>
    /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) && Number.isFinite(Number(word))
      ? Number(word)
      : undefined;
  for (const line of text.split('\n')) {
    const [label, ...rest] = line
      .replace(/#.*/, '')
      .split(/[ \t\r]+/)
      .filter((word) => word !== '');
    if (label === undefined) continue;
    const pairs: [number, number][] = [];
    let before = -1;
    for (const word of rest) {
      if (/^qid:\d+$/.test(word)) continue;
      const colon = word.indexOf(':');
      const index = /^\d{1,10}$/.test(word.slice(0, colon)) ? Number(word.slice(0, colon)) : Number.NaN;
      const value = number(word.slice(colon + 1));
      if (!(index > before) || index > 2 ** 31 || value === undefined) return undefined;
      before = index;
      if (value !== 0) pairs.push([index, value]);
    }
    if (number(label) === undefined) return undefined;
    rows.push({ label: number(label)!, pairs });
  }
  return rows;
}

/** The rows of a part of a stored data set; labels as they are stored. */
export function storedSparse(
  storage: MemoryStorage,
  folder: string,
  part: 'train' | 'test',
): PlainSparseRow[] {
  const { dtype } = JSON.parse(new TextDecoder().decode(storage.bytesOf(`${folder}/dataset.json`)));
  const bytes = storage.bytesOf(`${folder}/${part}.rows`);
  const view = new RecordView(new Uint8Array(bytes), dtype as SparseDtype);
  const rows: PlainSparseRow[] = [];
  for (let word = 0; word < bytes.length / 4; word += recordWords(view.nonzeros(word), dtype)) {
    const pairs = Array.from(
      { length: view.nonzeros(word) },
      (_, i) => [view.index(word, i), view.value(word, i)] as const,
    );
    rows.push({ label: view.label(word), pairs });
  }
  return rows;
}

/** Random rows as text, about `each` of d features not 0, labels −1 and 1 by a hidden linear rule. */
export function randomText(rows: number, d: number, each: number, uniform: () => number): string {
  const weights = Array.from({ length: d }, () => 2 * uniform() - 1);
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    let score = 0;
    const pairs: string[] = [];
    for (let j = 0; j < d; j++) {
      if (uniform() * d >= each) continue;
      const value = Number((2 * uniform()).toPrecision(4));
      score += weights[j]! * value;
      pairs.push(`${j + 1}:${value}`);
    }
    lines.push(`${score > 0 ? '+1' : '-1'} ${pairs.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}
