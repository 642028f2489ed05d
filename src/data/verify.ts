import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import { crc32c } from '../storage/crc32c.js';
import type { ReadableFile, Storage } from '../storage/storage.js';
import { openDataset } from './dataset.js';
import { CHECKSUM_BLOCK, type Shard } from './format.js';

/** Checksums read at once. */
const CHECKSUMS_AT_ONCE = 1024;

/**
 * Reads every byte of a data set folder and compares it with the stored checksums; returns the bytes checked.
 * `MLML_CHECKSUM` names the first MiB that differs, its byte range and its rows. Needs about 1 MB of memory.
 */
export async function verifyDataset(
  storage: Storage,
  folder: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<number> {
  const dataset = await openDataset(storage, folder);
  await dataset.close();
  const { description, layout } = dataset;
  const shards = [...description.parts.train.shards, ...description.parts.test.shards];
  const total = shards.reduce((sum, shard) => sum + shard.rows * layout.rowBytes, 0);
  const buffer = new Uint8Array(Math.min(CHECKSUM_BLOCK, total));
  let done = 0;
  for (const shard of shards) {
    await verifyShard(storage, folder, shard, layout.rowBytes, buffer, (bytes) => {
      done += bytes;
      onProgress(done, total);
    });
  }
  return done;
}

async function verifyShard(
  storage: Storage,
  folder: string,
  shard: Shard,
  rowBytes: number,
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
      const [wanted, found] = [view.getUint32(4 * slot, true), crc32c(bytes)];
      if (wanted !== found) {
        throw new MlmlError(
          'MLML_CHECKSUM',
          `${path}: MiB ${block} (bytes ${start} to ${end - 1}, rows ${Math.floor(start / rowBytes)} to ` +
            `${Math.floor((end - 1) / rowBytes)}) has CRC32C ${hex(found)} instead of ${hex(wanted)}; ` +
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

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
