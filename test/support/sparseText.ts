import { plainLibsvm } from './sparseRows.js';
import type { TinyRows } from './tinyDataset.js';

/** Rows of LIBSVM text with labels −1 and 1, which become classes 0 and 1; features are numbered from 1. */
export function readSparseText(text: string, d: number): TinyRows {
  const features: number[][] = [];
  const labels: number[] = [];
  for (const { label, pairs } of plainLibsvm(text)!) {
    const row = new Array<number>(d).fill(0);
    for (const [j, value] of pairs) row[j - 1] = value;
    features.push(row);
    labels.push(label > 0 ? 1 : 0);
  }
  return { features, labels };
}
