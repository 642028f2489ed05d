import type { TinyRows } from './tinyDataset.js';

/** Rows of LIBSVM text with labels −1 and 1, which become classes 0 and 1; features are numbered from 1. */
export function readSparseText(text: string, d: number): TinyRows {
  const features: number[][] = [];
  const labels: number[] = [];
  for (const line of text.trim().split('\n')) {
    const [label, ...pairs] = line.trim().split(/\s+/);
    const row = new Array<number>(d).fill(0);
    for (const pair of pairs) {
      const [j, value] = pair.split(':').map(Number) as [number, number];
      row[j - 1] = value;
    }
    features.push(row);
    labels.push(Number(label) > 0 ? 1 : 0);
  }
  return { features, labels };
}
