import type { Kernels } from '../../arithmetic/kernels.js';
import { scanSparse } from '../../data/sparse/scanSparse.js';
import { RecordView } from '../../data/sparse/sparseRecord.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';

/**
 * Looks through the first `rows` rows of a part for NaN or an infinity and names the first. They are refused at import: what is found
 * here came into the file afterwards. One pass, through the regions 'score'.
 */
export async function requireFiniteSparse(
  file: SparseRowFile,
  rows: number,
  arena: Arena,
  kernels: Kernels,
  signal?: AbortSignal,
): Promise<void> {
  const view = new RecordView(new Uint8Array(arena.buffer), file.layout.dtype);
  const order = arena.uint32('score order');
  const fault = (row: number, what: string, value: number) =>
    new MlmlError(
      'MLML_BAD_DATA',
      `${file.part} row ${row}: ${what}: ${value} is not a finite number; import the rows again`,
    );
  for await (const { base, to, firstRow } of scanSparse(file, arena, kernels, 'score', signal, {
    to: rows,
  })) {
    for (let i = 0; i < to; i++) {
      const word = base / 4 + order[i]!;
      const label = view.label(word);
      if (!Number.isFinite(label)) throw fault(firstRow + i, 'the label', label);
      for (let t = 0; t < view.nonzeros(word); t++) {
        const value = view.value(word, t);
        if (!Number.isFinite(value)) throw fault(firstRow + i, `feature ${view.index(word, t)}`, value);
      }
    }
  }
}
