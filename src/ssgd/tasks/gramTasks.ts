import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Sums of the normal equations over a block of rows, and products with the Gram matrix. */
export function gramTasks({ kernels, buffer, scratch }: ThreadEnvironment): TaskTable {
  const doubles = new Float64Array(buffer);
  return {
    /**
     * sumByteFeatures(base, rowBytes, count, padded, d, from, to, labels, k, transposed, cross, mean): features
     * [from, to), `from` a multiple of 4, of `count` rows of bytes: transposed for `addGramUint8`, and added to `cross` [k][d].
     * mean 0: a label is the number of the vector its row is added to. Else a row has k labels, and is added that many times to
     * each of the k vectors, and once to `mean`.
     */
    sumByteFeatures: (a) => {
      const [base, rowBytes, count, padded, d, from, to] = [a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!];
      const [labels, k, transposed, cross, mean] = [a[7]!, a[8]!, a[9]!, a[10]!, a[11]!];
      const width = to - from;
      kernels.transposeUint8(base + from, rowBytes, count, padded, width, transposed + 2 * from * padded);
      for (let r = 0; r < count; r++) {
        const source = base + r * rowBytes + from;
        if (mean === 0) {
          const label = doubles[labels / 8 + r]!;
          kernels.addScaledUint8(source, width, 1, cross + 8 * (d * label + from));
          continue;
        }
        for (let c = 0; c < k; c++) {
          const label = doubles[labels / 8 + r * k + c]!;
          kernels.addScaledUint8(source, width, label, cross + 8 * (d * c + from));
        }
        kernels.addScaledUint8(source, width, 1, mean + 8 * from);
      }
    },
    /** As the kernels, without `tile`. */
    addGramUint8: (a) => kernels.addGramUint8(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!),
    addGramRows: (a) => kernels.addGramRows(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, scratch, a[5]!),
    addSymmetricProduct: (a) => kernels.addSymmetricProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
  };
}
