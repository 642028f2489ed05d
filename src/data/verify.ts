import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import { checksumText } from '../storage/crc32c.js';
import type { ReadableFile, Storage } from '../storage/storage.js';
import { continueChecksum } from './continueChecksum.js';
import { type Dataset, openAnyDataset } from './dataset.js';
import { CHECKSUM_BLOCK, type DatasetDescription } from './format.js';
import { isSparse } from './sparse/sparseDataset.js';
import { offsetsPath } from './sparse/sparseRowFile.js';
import { FEATURE_COLUMNS } from './sparse/sparseStatistics.js';

/** Checksums read at once. */
const CHECKSUMS_AT_ONCE = 1024;

/**
 * Reads every byte of a data set folder and compares it with the stored checksums; returns the bytes checked.
 * `MLML_CHECKSUM` names the first MiB that differs, its byte range and its rows. Needs about 1 MB of memory. An
 * abort of `signal` rejects with its reason within a MiB.
 */
export async function verifyDataset(
  storage: Storage,
  folder: string,
  onProgress: (done: number, total: number) => void = () => {},
  signal?: AbortSignal,
): Promise<number> {
  const dataset = await openAnyDataset(storage, folder);
  await dataset.close();
  const { description } = dataset;
  const files = isSparse(dataset) ? sparseFiles(description) : denseFiles(dataset);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const buffer = new Uint8Array(Math.min(CHECKSUM_BLOCK, total));
  let done = 0;
  for (const file of files) {
    await verifyFile(storage, folder, file, buffer, (bytes) => {
      signal?.throwIfAborted();
      done += bytes;
      onProgress(done, total);
    });
  }
  return done;
}

/** A file with checksums beside it. */
interface CheckedFile {
  readonly file: string;
  readonly checksums: string;
  readonly bytes: number;
  /** Of rows of one size. */
  readonly rowBytes?: number;
}

function denseFiles({ description, layout: { rowBytes } }: Dataset): CheckedFile[] {
  const { train, test } = description.parts;
  return [...train.shards, ...test.shards].map(({ file, checksums, rows }) => {
    return { file, checksums, bytes: rows * rowBytes, rowBytes };
  });
}

function sparseFiles({ parts, sparse, d }: DatasetDescription): CheckedFile[] {
  const checked = (file: string, bytes: number) => ({ file, checksums: `${file}.crc32c`, bytes });
  return [
    ...(['train', 'test'] as const).flatMap((part) => {
      const { file } = parts[part].shards[0]!;
      const offsets = offsetsPath(file);
      return [checked(file, sparse![part].bytes), checked(offsets, 8 * (parts[part].n + 1))];
    }),
    checked(sparse!.features, 8 * d * FEATURE_COLUMNS.length),
  ];
}

async function verifyFile(
  storage: Storage,
  folder: string,
  shard: CheckedFile,
  buffer: Uint8Array,
  advance: (bytes: number) => void,
): Promise<void> {
  const path = join(folder, shard.file);
  const rows = await storage.openRead(path);
  let checksums: ReadableFile | undefined;
  try {
    checksums = await storage.openRead(join(folder, shard.checksums));
    const blocks = Math.ceil(rows.byteLength / CHECKSUM_BLOCK);
    if (checksums.byteLength !== 4 * blocks) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${checksums.path}: has ${checksums.byteLength} bytes; ${path} has ${blocks} blocks of 1 MiB and needs ${4 * blocks}`,
      );
    }
    const stored = new Uint8Array(4 * Math.min(CHECKSUMS_AT_ONCE, blocks));
    const view = new DataView(stored.buffer);
    for (let block = 0; block < blocks; block++) {
      const slot = block % CHECKSUMS_AT_ONCE;
      if (slot === 0)
        await checksums.readInto(
          stored.subarray(0, 4 * Math.min(CHECKSUMS_AT_ONCE, blocks - block)),
          4 * block,
        );
      const start = block * CHECKSUM_BLOCK;
      const end = Math.min(rows.byteLength, start + CHECKSUM_BLOCK);
      const bytes = buffer.subarray(0, end - start);
      await rows.readInto(bytes, start);
      const [wanted, found] = [view.getUint32(4 * slot, true), continueChecksum(bytes)];
      if (wanted !== found) {
        throw new MlmlError(
          'MLML_CHECKSUM',
          `${path}: MiB ${block} (bytes ${start} to ${end - 1}${rowsText(shard, start, end)}) has CRC32C ${checksumText(found)} instead of ${checksumText(wanted)}; ` +
            'the file is damaged: import the data set anew',
        );
      }
      advance(bytes.length);
    }
  } finally {
    await rows.close();
    await checksums?.close();
  }
}

function rowsText({ rowBytes }: CheckedFile, start: number, end: number): string {
  if (rowBytes === undefined) return '';
  return `, rows ${Math.floor(start / rowBytes)} to ${Math.floor((end - 1) / rowBytes)}`;
}
