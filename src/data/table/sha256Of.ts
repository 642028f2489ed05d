import { createHash } from 'node:crypto';
import type { Storage } from '../../storage/storage.js';

const BLOCK = 256 * 1024;

/** The SHA-256 of a file. */
export async function sha256Of(storage: Storage, path: string): Promise<string> {
  const file = await storage.openRead(path);
  try {
    const hash = createHash('sha256');
    const block = new Uint8Array(Math.min(BLOCK, file.byteLength));
    for (let at = 0; at < file.byteLength; at += BLOCK) {
      const part = block.subarray(0, Math.min(BLOCK, file.byteLength - at));
      await file.readInto(part, at);
      hash.update(part);
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
