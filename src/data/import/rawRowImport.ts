import { basename } from 'node:path';
import { readNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { findRowFault } from '../checkRows.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetDescription, PartName } from '../format.js';
import { NanRepair } from '../onNan.js';
import { checkRawRows, type RawRows, rowText } from '../rawRows.js';
import { ByteReader } from './byteReader.js';
import type { ImportOptions } from './importOptions.js';
import { RowBatch } from './rowBatch.js';
import { type SourceFile, SourceFiles } from './sourceFiles.js';
import { writeDataset } from './writeDataset.js';

const CHUNK_BYTES = 64 * 1024;

/** Copies raw row files into a data set folder, converting to `options.dtype` when that is given. */
export async function importRawRows(
  storage: Storage,
  given: RawRows,
  options: ImportOptions,
): Promise<DatasetDescription> {
  const raw = checkRawRows(given);
  const { layout, d, k, task } = raw;
  const name = basename(raw.train);
  const dtype = options.dtype ?? layout.dtype;
  const same = dtype === layout.dtype;
  const labelDtype = same || task === 'regression' ? layout.labelDtype : labelDtypeFor(dtype, k);
  const sources = new SourceFiles(storage, name, options);
  const open = async (path: string, rows: number) => {
    const file = await sources.open(path);
    if (file.byteLength === rows * layout.rowBytes) return file;
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: has ${file.byteLength} bytes; ${rows} rows of ${rowText(layout)}, are ${rows * layout.rowBytes} bytes`,
    );
  };
  try {
    // Before anything as large as a row is made room for: d is what somebody says.
    const trainFile = await open(raw.train, raw.n);
    const testFile = raw.test === undefined ? undefined : await open(raw.test, raw.nt);
    return await writeDataset(
      storage,
      options.out,
      { name, task, d, k, dtype, labelDtype },
      async (writer) => {
        const rowsAtOnce = Math.max(1, Math.floor(CHUNK_BYTES / layout.rowBytes));
        const bytes = new Uint8Array(rowsAtOnce * layout.rowBytes);
        const view = new DataView(bytes.buffer);
        const repair = new NanRepair(layout, options.onNan ?? 'error', rowsAtOnce);
        const copy = async (part: PartName, file: SourceFile, rows: number) => {
          const reader = new ByteReader(file.chunks(), file.path);
          const batch = new RowBatch(writer, part, layout.dtype);
          for (let first = 0; first < rows; first += rowsAtOnce) {
            const many = Math.min(rowsAtOnce, rows - first);
            const start = reader.position;
            await reader.read(
              bytes.subarray(0, many * layout.rowBytes),
              `rows ${first} to ${first + many - 1}`,
            );
            const left = repair.apply(bytes, many, part, first);
            const placeOf = (i: number, offset: number) => {
              const row = repair.kept[i]!;
              return `${reader.place(start + row * layout.rowBytes + offset)}, ${part} row ${first + row}`;
            };
            const fault = findRowFault(layout, bytes, left, task, k);
            if (fault !== undefined) {
              throw new MlmlError(
                'MLML_BAD_DATA',
                `${placeOf(fault.row, fault.offset % layout.rowBytes)}: ${fault.message}; ` +
                  `check --d=${d}, --k=${k} and --dtype=${layout.dtype}`,
              );
            }
            for (let i = 0; i < left; i++) {
              const at = i * layout.rowBytes;
              const label = readNumber(view, at + layout.labelOffset, layout.labelDtype);
              const place = (j: number) => placeOf(i, (j * layout.labelOffset) / d);
              if (batch.add(view, at, label, place)) await batch.flush();
            }
          }
          await batch.flush();
        };
        await copy('train', trainFile, raw.n);
        if (testFile !== undefined) await copy('test', testFile, raw.nt);
        if (repair.warning !== undefined) options.onWarning?.(repair.warning);
        return { description: `raw rows, ${rowText(layout)}`, files: await sources.records() };
      },
    );
  } finally {
    await sources.close();
  }
}
